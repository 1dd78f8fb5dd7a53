/** `wait`: until a time, or for one. A time that has passed goes on at once. */
import { durationMs, instantAt } from '../../instance/expressions/evaluate.ts';
import { taskCompleted } from '../../instance/history/event-builders.ts';
import { type NodeBehaviour, openedOf, subjectOf } from '../common/behaviour.ts';
import { instant } from '../common/waiting-for.ts';

export const wait: NodeBehaviour<'wait'> = {
  open: (opening) => {
    const { view, scope, node } = opening;
    const until =
      node.wait.kind === 'for' ? view.now + durationMs(view, scope, node.wait.duration, 0) : instantAt(view, scope, node.wait.instant);
    if (until <= view.now) return [taskCompleted(subjectOf(opening, until), null)];
    return [{ type: 'WaitStarted', ...openedOf(opening, until), until }];
  },
  fire: (_view, task) => [taskCompleted(task, null)],
  waitingFor: ({ until }) => ({ kind: 'time', until: instant(until) }),
};
