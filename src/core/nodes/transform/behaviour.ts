/** `transform`: evaluates its output, in the step that reaches it. */
import { boundedPayload } from '../../instance/expressions/evaluate.ts';
import { taskCompleted } from '../../instance/history/event-builders.ts';
import { evaluateFor, type NodeBehaviour, subjectOf } from '../common/behaviour.ts';

export const transform: NodeBehaviour<'transform'> = {
  open: (opening) => {
    const output = boundedPayload(opening.view.limits, 'output', evaluateFor(opening, opening.node.output));
    return [taskCompleted(subjectOf(opening, null), output)];
  },
};
