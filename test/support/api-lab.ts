/** What the tests of REST share: a definition with a human task, and how a request was refused. */
import { MillraceApiError } from '../../src/client/index.ts';
import type { Json } from '../../src/core/json.ts';

/** Waits for ada or bob to approve. */
export const approval = (id: string): { readonly [field: string]: Json } => ({
  id,
  input: { type: 'object', properties: { amount: { type: 'number' } } },
  nodes: {
    approve: {
      type: 'human',
      title: 'Approve',
      assignees: { users: ['ada', 'bob'], roles: [] },
      form: { type: 'object', required: ['approved'], properties: { approved: { type: 'boolean' } } },
    },
  },
  edges: [],
  output: { approved: '${ nodes.approve.output.approved }' },
});
/** The status and code with which the API refused; anything else fails the test. */
export async function refusal(promise: Promise<unknown>): Promise<{ readonly status: number; readonly code: string }> {
  const error = await promise.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof MillraceApiError)) throw error;
  return { status: error.status, code: error.code };
}
