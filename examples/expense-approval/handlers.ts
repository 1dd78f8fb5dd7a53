/** The work of the expense approval that is code: paying. `millrace worker examples/expense-approval/handlers.ts` runs it. */
import { createHash } from 'node:crypto';
import { defineTask, TerminalError } from 'millrace/worker';
import { Type } from 'typebox';

/**
 * Stands for the call of a bank. A real one gets the idempotency key with the request and answers a repeat with the first
 * transfer; this one derives the transfer's id from the key, which comes to the same.
 */
export const transferMoney = defineTask({
  name: 'transfer-money',
  // A queue of its own: each worker of a queue needs every handler of that queue.
  queue: 'expenses',
  input: Type.Object({ to: Type.String(), amount: Type.Number(), reference: Type.String() }),
  output: Type.Object({ transferId: Type.String(), amount: Type.Number() }),
  run: ({ to, amount }, { idempotencyKey, log }) => {
    if (amount > 10_000) throw new TerminalError('LIMIT_EXCEEDED', 'The bank transfers at most 10000 at a time.');
    const transferId = `TR-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 10)}`;
    log.info({ to, amount, transferId }, 'Transferred');
    return { transferId, amount };
  },
});
