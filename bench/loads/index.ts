/** The loads by name. */
import type { LoadName } from '../options.ts';
import { churn } from './churn.ts';
import { flat } from './flat.ts';
import { idle } from './idle.ts';
import type { BenchLoad } from './load.ts';
import { p1 } from './p1.ts';
import { p2 } from './p2.ts';
import { p3 } from './p3.ts';
import { p4 } from './p4.ts';
import { p5 } from './p5.ts';
import { p6 } from './p6.ts';
import { p7 } from './p7.ts';
import { p8 } from './p8.ts';
import { p9 } from './p9.ts';
import { p10 } from './p10.ts';
import { wide } from './wide.ts';

export const loads: Readonly<Record<LoadName, BenchLoad>> = {
  idle,
  P1: p1,
  P2: p2,
  P3: p3,
  P4: p4,
  P5: p5,
  P6: p6,
  P7: p7,
  P8: p8,
  P9: p9,
  P10: p10,
  wide,
  flat,
  churn,
};
