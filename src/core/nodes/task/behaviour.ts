/** `task`: work that one of the user's handlers does. */
import { boundedPayload } from '../../instance/expressions/evaluate.ts';
import { openAutomated } from '../common/automated/open.ts';
import { fireAutomated } from '../common/automated/timers.ts';
import { waitingForWorker } from '../common/automated/waiting-for.ts';
import { evaluateFor, type NodeBehaviour } from '../common/behaviour.ts';

export const task: NodeBehaviour<'task'> = {
  open: (opening) => {
    const { node, view } = opening;
    const input = boundedPayload(view.limits, 'input', evaluateFor(opening, node.input));
    return openAutomated(opening, { task: node.task, queue: node.queue }, input);
  },
  fire: fireAutomated,
  waitingFor: waitingForWorker,
};
