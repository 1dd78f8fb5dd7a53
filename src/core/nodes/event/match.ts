/** Gives an external event to the wait that it matched. An event that is refused goes back to the buffer, for this instance. */
import { invariant } from '../../assert.ts';
import type { EventMatched } from '../../instance/decide/notification.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { consumedOf, hasTaken, isAmong } from '../../instance/state/consumed.ts';
import { nodeOf, scopesBelow, taskAt } from '../../instance/state/scopes.ts';
import type { OpenTask, ReceivedEvent } from '../../instance/state/state.ts';
import { accepted, type NewEvent, rejected, type Verdict, type View } from '../../instance/view.ts';

type Waiting = OpenTask & { readonly type: 'event' };

export function decideMatch(view: View, matched: EventMatched): Verdict {
  const task = taskAt(view.state, matched.path);
  if (task?.type !== 'event' || task.status !== 'open' || task.attempt !== matched.attempt) return refuseMatch(view, matched);
  if (hasTaken(task, matched.event)) return repeated(matched);
  return matched.whereError === null ? take(view, task, matched) : failWhere(task, matched, matched.whereError);
}

/** An output with several events names the history entries that brought them, so none is stored twice. */
export function completedWith(task: Waiting, received: readonly ReceivedEvent[]): NewEvent {
  const events = received.map(({ event }) => event);
  const from = received.map(({ seq }) => seq);
  return taskCompleted(task, events, undefined, from);
}

function take({ definition, state }: View, task: Waiting, { path, event }: EventMatched): Verdict {
  const node = nodeOf(definition, task.nodeId);
  invariant(node.type === 'event', 'a wait belongs to an event node');
  if (!node.list) return accepted(taskCompleted(task, event));
  const received = [...task.received, { seq: state.seq + 1, event }];
  const taken = { type: 'EventReceived', path, event } as const;
  return received.length < task.count ? accepted(taken) : accepted(taken, completedWith(task, received));
}

/** The wait has taken the event: delivered again, it counts as a repeat. */
function failWhere(task: Waiting, { path, event, wait }: EventMatched, message: string): Verdict {
  const error = { code: 'MR_EXPRESSION_FAILED', message };
  const expression = task.waits[wait]?.where?.source ?? null;
  return accepted({ type: 'EventReceived', path, event }, taskFailed(task, 'failed', error), {
    type: 'IncidentRaised',
    path,
    incident: { nodeId: task.nodeId, phase: 'open', error, expression },
  });
}

/** The wait has ended. The event goes back to the buffer, unless this instance took it before: then it is a repeat. */
export function refuseMatch({ state }: View, matched: EventMatched): Verdict {
  for (const scope of scopesBelow(state, '')) {
    const tasks = scope.status === 'open' ? Object.values(scope.tasks) : [];
    if (isAmong(consumedOf(scope).consumed, matched.event) || tasks.some((task) => hasTaken(task, matched.event))) return repeated(matched);
  }
  return rejected('MR_EVENT_REFUSED', `The wait ${matched.path} had ended when the event came.`);
}

function repeated({ path }: EventMatched): Verdict {
  return rejected('MR_EVENT_REPEATED', `The wait ${path} has taken this event before.`);
}
