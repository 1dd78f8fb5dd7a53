/** `publish`: sends an external event, once, in the step that reaches it. */
import { CORRELATION_KEY_LENGTH_MAX } from '../../correlation-key.ts';
import { boundedMessage } from '../../instance/expressions/evaluate.ts';
import { taskCompleted } from '../../instance/history/event-builders.ts';
import { evaluateFor, type NodeBehaviour, openedOf, subjectOf } from '../common/behaviour.ts';
import { stringOf } from '../common/values.ts';

export const publish: NodeBehaviour<'publish'> = {
  open: (opening) => {
    const { node, view } = opening;
    const key = stringOf(evaluateFor(opening, node.key), 'key', CORRELATION_KEY_LENGTH_MAX);
    const data = boundedMessage(view.limits, 'data', evaluateFor(opening, node.data));
    const given = [node.event, key, data];
    return [
      { type: 'EventPublished', ...openedOf(opening, given), event: node.event, key, data, topic: node.topic },
      taskCompleted(subjectOf(opening, given), null),
    ];
  },
};
