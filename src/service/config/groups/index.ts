/** All groups, in the order of docs/configuration.md. A variable that is in none of them does nothing. */
import { api } from './api.ts';
import { connect } from './connect.ts';
import { continuation } from './continuation.ts';
import { databases } from './databases.ts';
import { kafka } from './kafka.ts';
import { limits } from './limits.ts';
import { log } from './log.ts';
import { orchestrator } from './orchestrator.ts';
import { references } from './references.ts';
import { registry } from './registry.ts';
import { service } from './service.ts';
import { topics } from './topics.ts';
import { worker } from './worker.ts';

export const groups = {
  kafka,
  registry,
  connect,
  databases,
  topics,
  api,
  worker,
  orchestrator,
  continuation,
  limits,
  references,
  service,
  log,
} as const;

export type ConfigGroup = keyof typeof groups;
