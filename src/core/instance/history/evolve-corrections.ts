/** The events of corrections: what people change in a running instance. */
import { assertNever, invariant } from '../../assert.ts';
import type { TaskPath } from '../../ids.ts';
import { scopePathOf } from '../state/scopes.ts';
import { type ClosedTask, isOpen } from '../state/state.ts';
import type { StateBuilder } from '../state/state-builder.ts';
import type { InstanceMigrated, NodeCorrected, NodeRerun, VarsChanged } from './corrections.ts';

type Correction = VarsChanged | NodeCorrected | InstanceMigrated | NodeRerun;

export function applyCorrection(builder: StateBuilder, event: Correction): void {
  builder.remember(event.commandId);
  switch (event.type) {
    case 'VarsChanged':
      builder.set({ vars: { ...builder.current.vars, ...event.vars } });
      return;
    case 'NodeCorrected':
      builder.resolve(scopePathOf(event.path), event.path);
      return;
    case 'InstanceMigrated':
      builder.set({ definitionVersion: event.toVersion, isMigrated: true, vars: { ...builder.current.vars, ...event.vars } });
      return;
    case 'NodeRerun':
      runAgain(builder, event);
      return;
    default:
      assertNever(event);
  }
}

/** It has not exited any more, so nothing behind it opens before it has ended again. */
function runAgain(builder: StateBuilder, { path, reset }: NodeRerun): void {
  builder.resolve(scopePathOf(path), path);
  for (const each of reset) builder.takeBack(each);
  const task = closedAt(builder, path);
  builder.put({ ...task, takenEdges: null });
  if (task.type === 'forEach' || task.type === 'repeat') builder.dropScopes({ ...task, takenEdges: null });
  builder.countOn(closedAt(builder, path));
}

function closedAt(builder: StateBuilder, path: TaskPath): ClosedTask {
  const task = builder.task(path);
  invariant(!isOpen(task), 'a node runs again after it ended');
  return task;
}
