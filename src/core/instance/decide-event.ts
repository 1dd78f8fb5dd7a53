/** An outside event met an open wait. Refused, it goes back to the buffer for this instance. */

import { invariant } from '../assert.ts';
import type { TaskPath } from '../ids.ts';
import { hasTaken } from './consumed.ts';
import { taskOf } from './join.ts';
import type { EventMatched } from './notification.ts';
import type { Rejection } from './rejection.ts';
import type { Run } from './run.ts';

export function decideEvent(run: Run, matched: EventMatched): Rejection | null {
  const task = run.task(matched.path);
  if (task?.type !== 'event' || task.status !== 'open' || task.attempt !== matched.attempt) return refuseEvent(run, matched);
  if (hasTaken(task, matched.event)) return repeated(matched.path);
  const node = run.node(task.nodeId);
  invariant(node.type === 'event', 'an event task belongs to an event node');
  const { path, nodeId, attempt, basis } = task;
  if (matched.whereError !== null) {
    // Taken all the same: it is used up, and handed over again it is no news.
    run.emit({ type: 'EventReceived', path, event: matched.event });
    const error = { code: 'MR_EXPRESSION_FAILED', message: matched.whereError };
    run.emit({ type: 'TaskFailed', path, nodeId, attempt, basis, kind: 'event', status: 'failed', error, by: null, commandId: null });
    run.emit({
      type: 'IncidentRaised',
      path,
      incident: { nodeId, phase: 'open', error, expression: task.waits[matched.wait]?.where?.source ?? null },
    });
    return null;
  }
  const completed = { type: 'TaskCompleted', path, nodeId, attempt, basis, kind: 'event', by: null, commandId: null } as const;
  if (!node.list) {
    run.emit({ ...completed, output: matched.event });
    run.later({ leave: path });
    return null;
  }
  run.emit({ type: 'EventReceived', path, event: matched.event });
  const received = [...task.received, { seq: run.state.seq, event: matched.event }];
  if (received.length < task.count) return null;
  // The output is made of entries that history holds: no event is stored twice.
  run.emit({ ...completed, output: received.map(({ event }) => event), outputFrom: received.map(({ seq }) => seq) });
  run.later({ leave: path });
  return null;
}

/** The wait is over. The event goes back, unless this instance has had it: then it is the same record once more. */
export function refuseEvent(run: Run, { path, event }: EventMatched): Rejection {
  for (const node of run.definition.nodes.values()) {
    const task = node.type === 'event' ? taskOf(run.state.tasks, node.id) : undefined;
    if (task !== undefined && hasTaken(task, event)) return repeated(task.path);
  }
  return { code: 'MR_EVENT_REFUSED', reason: `The wait ${path} had ended when the event came.` };
}

function repeated(path: TaskPath): Rejection {
  return { code: 'MR_EVENT_REPEATED', reason: `The wait ${path} has taken this event before.` };
}
