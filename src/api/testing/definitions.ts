/** Definitions that several tests of the routes use, and an API with an instance that waits for a person. */
import type { ApiLimits } from '../context.ts';
import { openTestApi, type TestApi } from './test-api.ts';

export const approval = {
  id: 'approval',
  input: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
  nodes: {
    approve: {
      type: 'human',
      title: 'Approve ${ input.amount }',
      assignees: { users: ['ada'], roles: ['manager'] },
      form: { type: 'object', required: ['approved'], properties: { approved: { type: 'boolean' } }, additionalProperties: false },
    },
    pay: { type: 'task', task: 'pay', queue: 'special', input: { amount: '${ input.amount }' } },
  },
  edges: [{ from: 'approve', to: 'pay' }],
  output: { done: true },
};
export const waiting = { id: 'waiting', nodes: { paid: { type: 'event', event: 'payment.confirmed', key: '${ instance.id }' } } };
export const instant = {
  id: 'instant',
  nodes: { only: { type: 'transform', output: { doubled: '${ input.x + input.x }' } } },
  output: '${ nodes.only.output }',
};

export async function withApproval(changed: Partial<ApiLimits> = {}): Promise<TestApi & { readonly id: string; readonly task: string }> {
  const api = await openTestApi({}, changed);
  await api.deploy(approval);
  const id = await api.start('approval', { input: { amount: 120 }, businessKey: 'e-17' });
  return Object.assign(api, { id, task: `${id}.approve` });
}
