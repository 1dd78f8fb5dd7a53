/** A worker with large payloads: what it takes from records, and what it says in them. */
import { expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import type { Json } from '../../core/json.ts';
import { referenceTo } from '../../core/payload-reference.ts';
import { ok } from '../../core/result.ts';
import { defineTask } from '../../worker/index.ts';
import { createHandlerExecutor } from '../executors/handlers.ts';
import { scheduled, WorkerFixture } from '../testing/fixture.ts';
import type { TaskPayloads } from './task-payloads.ts';
import { withReferences } from './with-references.ts';

const echo = defineTask({ name: 'echo', run: (input) => input });
const input: Json = { text: 'x'.repeat(5_000) };
const text = JSON.stringify(input);

async function open(payloads: Partial<TaskPayloads>) {
  const kept: string[] = [];
  const executor = withReferences(createHandlerExecutor([echo]), {
    limits: { referenceBytes: 1_000, payloadBytes: 50_000, messageBytes: 20_000 },
    payloads: {
      input: async () => ok(text),
      keep: async (_, output) => {
        kept.push(output);
        return ok(null);
      },
      ...payloads,
    },
  });
  return { kept, fixture: await WorkerFixture.start([echo], { executor }) };
}

const referring = { ...scheduled(), input: '', inputReference: referenceTo(text) };

it('runs a task whose input its record only names, and leaves a large output before it says so', async () => {
  const { fixture, kept } = await open({});
  fixture.give(0, referring);
  await eventually(() => expect(fixture.outcomes).toHaveLength(1));
  expect(fixture.outcomes).toMatchObject([{ status: 'completed', output: '', outputReference: referenceTo(text), errorCode: null }]);
  expect(kept).toEqual([text]);
  await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(1n));
  expect(fixture.deadLetters).toEqual([]);
});

it('says nothing, and commits nothing, until the output is left', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const { fixture } = await open({
    keep: async () => {
      asked = true;
      await promise;
      return ok(null);
    },
  });
  fixture.give(0, scheduled({ input }));
  await eventually(() => expect(asked).toBe(true));
  expect([fixture.outcomes, fixture.consumer.committed.get(0), fixture.worker.inFlight]).toEqual([[], undefined, 1]);
  resolve();
  await eventually(() => expect(fixture.outcomes).toMatchObject([{ output: '', outputReference: referenceTo(text) }]));
});

it('takes a record whose reference names nothing, or that has neither input nor reference, for invalid', async () => {
  const { fixture } = await open({});
  fixture.give(0, { ...referring, inputReference: { bytes: 0, sha256: '' } });
  fixture.give(1, { ...referring, inputReference: null });
  await eventually(() => expect(fixture.deadLetters).toMatchObject([{ code: 'MR_MESSAGE_INVALID' }, { code: 'MR_MESSAGE_INVALID' }]));
  expect(fixture.outcomes).toEqual([]);
});
