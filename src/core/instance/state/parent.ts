/** Who a child was asked for by, and what that parent wants of it. */
import type { InstanceId, TaskPath } from '../../ids.ts';

/** Who asked for a child, and for what. */
export type Parent =
  | { readonly kind: 'instance'; readonly instanceId: InstanceId; readonly path: TaskPath; readonly attempt: number }
  /** A schedule is the parent of its runs. */
  | { readonly kind: 'schedule'; readonly scheduleId: InstanceId; readonly run: number };

/** What a parent wants of a child. A cancel is final. */
export type Wish = 'run' | 'pause' | 'cancel';
