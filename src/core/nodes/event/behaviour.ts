/** `event`: waits for external events. */
import { CORRELATION_KEY_LENGTH_MAX } from '../../correlation-key.ts';
import type { EventNode, EventWait } from '../../definition/types.ts';
import { namesFor } from '../../instance/expressions/names.ts';
import { valuesAt } from '../../instance/expressions/values-at.ts';
import { taskFailed } from '../../instance/history/event-builders.ts';
import type { EventWaiting } from '../../instance/state/state.ts';
import type { NewEvent } from '../../instance/view.ts';
import type { Json } from '../../json.ts';
import { after, evaluateFor, type NodeBehaviour, type Opening, openedOf, type TaskOf } from '../common/behaviour.ts';
import { stringOf } from '../common/values.ts';
import { completedWith } from './match.ts';

export const event: NodeBehaviour<'event'> = {
  open,
  fire: (_view, task, node) => (node.onTimeout === 'take' ? [completedWith(task, task.received)] : [timedOut(task)]),
  waitingFor: ({ waits, received, count }) => ({
    kind: 'event',
    events: waits.map(({ event: type, key }) => ({ type, key })),
    received: received.length,
    count,
  }),
};

function timedOut(task: TaskOf<'event'>): NewEvent {
  return taskFailed(task, 'timedOut', { code: 'TIMEOUT', message: 'No fitting event came within the timeout.' });
}

function open(opening: Opening<EventNode>): readonly NewEvent[] {
  const { node } = opening;
  const waits = node.waits.map((wait) => waitingOf(opening, wait));
  const timeoutAt = after(opening, node.timeout);
  return [{ type: 'EventAwaited', ...openedOf(opening, waits as readonly Json[]), waits, count: node.count, timeoutAt }];
}

function waitingOf(opening: Opening<EventNode>, { event: type, key, where }: EventWait): EventWaiting {
  const correlationKey = stringOf(evaluateFor(opening, key), 'key', CORRELATION_KEY_LENGTH_MAX);
  if (where === null) return { event: type, key: correlationKey, where: null };
  const names = namesFor(opening.view, opening.scope, where.references);
  return { event: type, key: correlationKey, where: { source: where.source, scope: valuesAt(names, where.references) } };
}
