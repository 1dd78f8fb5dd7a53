import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { defineTask } from '../../worker/index.ts';
import { runHandler } from '../testing/run-handler.ts';

describe('a handler with schemas', () => {
  const Order = Type.Object({ id: Type.String(), cents: Type.Integer() }, { additionalProperties: false });
  const task = defineTask({
    name: 'charge',
    input: Order,
    output: Type.Object({ receipt: Type.String() }),
    run: (order) => ({ receipt: order.cents > 100 ? (7 as unknown as string) : `r-${order.id}` }),
  });

  it('takes and gives what fits', async () => {
    expect(await runHandler(task, { id: 'o1', cents: 5 })).toEqual({ status: 'completed', output: '{"receipt":"r-o1"}' });
  });

  it('refuses an input that does not fit, for good, and says where', async () => {
    const result = await runHandler(task, { id: 'o1', cents: 'many', extra: 1 });
    expect(result).toMatchObject({
      status: 'failed',
      code: 'INPUT_INVALID',
      retryable: false,
      message: expect.stringContaining('/cents'),
    });
  });

  it('refuses an output that does not fit, for good, and says where', async () => {
    const result = await runHandler(task, { id: 'o1', cents: 500 });
    expect(result).toMatchObject({ code: 'OUTPUT_INVALID', retryable: false, message: expect.stringContaining('/receipt') });
  });
});
