/** `task`: work that one of the user's handlers does. */
import { boundedPayload, evaluateWithSecrets } from '../../instance/expressions/evaluate.ts';
import { taskFailed } from '../../instance/history/event-builders.ts';
import { openAutomated } from '../common/automated/open.ts';
import { fireAutomated } from '../common/automated/timers.ts';
import { waitingForWorker } from '../common/automated/waiting-for.ts';
import { type NodeBehaviour, subjectOf } from '../common/behaviour.ts';
import { misfitOf } from '../common/schemas.ts';

export const task: NodeBehaviour<'task'> = {
  open: (opening) => {
    const { node, view, scope } = opening;
    const input = evaluateWithSecrets(view, scope, node.input);
    boundedPayload(view.limits, 'input', input.value);
    const misfit = misfitOf('INPUT_INVALID', node.inputSchema, input.value);
    if (misfit !== null) return [taskFailed(subjectOf(opening, input.value), 'failed', misfit)];
    return openAutomated(opening, { task: node.task, queue: node.queue }, input);
  },
  fire: fireAutomated,
  waitingFor: waitingForWorker,
};
