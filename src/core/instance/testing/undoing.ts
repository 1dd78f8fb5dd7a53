/** What must hold over the whole history of an ended instance: its work is undone if it failed or was cancelled, and not otherwise. */
import type { Definition } from '../../definition/types.ts';
import { compensationOf } from '../../nodes/compensation.ts';
import { compensationPathOf } from '../state/scopes.ts';
import type { HistoryEntry } from '../step.ts';
import { holds, same } from './assertions.ts';

export function checkUndoing(definition: Definition, history: readonly HistoryEntry[]): void {
  const completed: number[] = [];
  const seen = new Set<string>();
  const undone: number[] = [];
  let open: string | null = null;
  let isEnding = false;
  for (const { seq, event } of history) {
    const isDone = event.type === 'TaskCompleted' || (event.type === 'AwaitedTaskEnded' && event.status === 'completed');
    // A person may complete a node a second time if its edges failed.
    const isAgain = isDone && seen.has(`${event.path}#${event.attempt}`);
    if (isDone) seen.add(`${event.path}#${event.attempt}`);
    if (isDone && !isAgain && compensationOf(definition, event.nodeId) !== null && definition.onFailure === 'compensate')
      completed.push(seq);
    if (event.type === 'InstanceEnding') isEnding = true;
    if (isEnding && event.type === 'TaskScheduled') holds(event.path === open, 'an ending instance opens compensations only');
    if (event.type === 'CompensationStarted') {
      holds(open === null, 'one compensation runs at a time');
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
