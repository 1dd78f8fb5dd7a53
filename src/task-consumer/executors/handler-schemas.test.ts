import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../core/json.ts';
import { defineTask, type TaskDefinition } from '../../worker/index.ts';
import type { AttemptResult } from '../attempt-result.ts';
import type { ScheduledTask } from '../task.ts';
import { silent } from '../testing/fixture.ts';
import { createHandlerExecutor } from './handlers.ts';

async function run(definition: TaskDefinition, input: Json = null, name = definition.name): Promise<AttemptResult> {
  const task = {
    taskId: 'i.n',
    instanceId: 'i',
    attempt: 2,
    basis: 'abc',
    work: { type: 'task', name },
    input,
    timeoutMs: 1_000,
    dispatchedAt: 0,
  };
  return await createHandlerExecutor([definition]).run(task as unknown as ScheduledTask, {
    signal: new AbortController().signal,
    log: silent,
  });
}

describe('a handler with schemas', () => {
  const Order = Type.Object({ id: Type.String(), cents: Type.Integer() }, { additionalProperties: false });
  const task = defineTask({
    name: 'charge',
    input: Order,
    output: Type.Object({ receipt: Type.String() }),
    run: (order) => ({ receipt: order.cents > 100 ? (7 as unknown as string) : `r-${order.id}` }),
  });

  it('takes and gives what fits', async () => {
    expect(await run(task, { id: 'o1', cents: 5 })).toEqual({ status: 'completed', output: '{"receipt":"r-o1"}' });
  });

  it('refuses an input that does not fit, for good, and says where', async () => {
    const result = await run(task, { id: 'o1', cents: 'many', extra: 1 });
    expect(result).toMatchObject({
      status: 'failed',
      code: 'INPUT_INVALID',
      retryable: false,
      message: expect.stringContaining('/cents'),
    });
  });

  it('refuses an output that does not fit, for good, and says where', async () => {
    const result = await run(task, { id: 'o1', cents: 500 });
    expect(result).toMatchObject({ code: 'OUTPUT_INVALID', retryable: false, message: expect.stringContaining('/receipt') });
  });
});
