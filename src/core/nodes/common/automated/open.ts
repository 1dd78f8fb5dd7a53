/** Opens a node whose work is done by a worker: the task leaves the core. */
import type { HttpNode, TaskNode } from '../../../definition/types.ts';
import { durationMs, type WithSecrets } from '../../../instance/expressions/evaluate.ts';
import type { NewEvent } from '../../../instance/view.ts';
import { type Opening, openedOf } from '../behaviour.ts';

export function openAutomated(
  opening: Opening<TaskNode | HttpNode>,
  address: { readonly task: string | null; readonly queue: string | null },
  { value: input, secrets }: WithSecrets,
): readonly NewEvent[] {
  const { view, scope, node } = opening;
  const timeoutMs = durationMs(view, scope, node.timeout);
  const queueTimeoutMs = node.queueTimeout === null ? null : Math.max(durationMs(view, scope, node.queueTimeout), timeoutMs);
  const payload = { ...address, input, timeoutMs, queueTimeoutMs, ...(secrets.length === 0 ? {} : { secrets }) };
  return [{ type: 'TaskScheduled', ...openedOf(opening, input), kind: node.type, payload }];
}
