/** What must hold over the whole history of an ended instance: its work is undone if it failed or was cancelled, and not otherwise. */
import type { Definition } from '../../definition/types.ts';
import { compensationOf } from '../../nodes/compensation.ts';
import { compensationPathOf } from '../state/scopes.ts';
import type { HistoryEntry } from '../step.ts';
import { holds, same } from './assertions.ts';

/** @param versions those that the instance has run on, by number. */
export function checkUndoing(versions: ReadonlyMap<number, Definition>, history: readonly HistoryEntry[]): void {
  const completed: number[] = [];
  const seen = new Set<string>();
  const undone: number[] = [];
  let open: string | null = null;
  let isEnding = false;
  const children = new Set<string>();
  const detached = new Set<string>();
  let definition: Definition | undefined;
  for (const { seq, event } of history) {
    if (event.type === 'InstanceStarted') definition = versions.get(event.definitionVersion);
    if (event.type === 'InstanceMigrated') definition = versions.get(event.toVersion);
    const isDone = event.type === 'TaskCompleted' || (event.type === 'AwaitedTaskEnded' && event.status === 'completed');
    // A person may complete a node a second time if its edges failed.
    const isAgain = isDone && seen.has(`${event.path}#${event.attempt}`);
    if (isDone) seen.add(`${event.path}#${event.attempt}`);
    if (isDone && !isAgain && definition?.onFailure === 'compensate' && compensationOf(definition, event.nodeId) !== null)
      completed.push(seq);
    if (event.type === 'InstanceEnding') isEnding = true;
    if (event.type === 'WorkflowOpened' && event.detached) detached.add(event.path);
    if (event.type === 'ChildRequested' && !detached.has(event.path)) children.add(event.childId);
    if (event.type === 'ChildEnded') children.delete(event.childId);
    if (isEnding && (event.type === 'TaskScheduled' || event.type === 'WorkflowOpened'))
      holds(event.path === open, 'an ending instance opens compensations only');
    if (event.type === 'CompensationStarted') {
      holds(open === null && children.size === 0, 'one compensation runs at a time, with all that runs below it');
      open = compensationPathOf(event.path);
      undone.push(event.entry);
    }
    if ((event.type === 'NodeExited' || event.type === 'TaskCancelled') && event.path === open) open = null;
  }
  const isUndone = !history.some(({ event }) => event.type === 'InstanceCompleted');
  same(
    undone,
    isUndone ? completed.toReversed() : [],
    'what completed is undone in reverse order, each once, unless the instance completed',
  );
}
