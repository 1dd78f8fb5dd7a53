/** `transform`: evaluates its output, in the step that reaches it. */
import { boundedPayload } from '../../instance/expressions/evaluate.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { evaluateFor, type NodeBehaviour, subjectOf } from '../common/behaviour.ts';
import { misfitOf } from '../common/schemas.ts';

export const transform: NodeBehaviour<'transform'> = {
  open: (opening) => {
    const output = boundedPayload(opening.view.limits, 'output', evaluateFor(opening, opening.node.output));
    const misfit = misfitOf('OUTPUT_INVALID', opening.node.outputSchema, output);
    const subject = subjectOf(opening, null);
    return [misfit === null ? taskCompleted(subject, output) : taskFailed(subject, 'failed', misfit)];
  },
};
