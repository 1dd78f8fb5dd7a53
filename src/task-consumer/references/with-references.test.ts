import { describe, expect, it } from 'vitest';
import { referencedValuesMax, referenceTo } from '../../core/payload-reference.ts';
import { err, ok } from '../../core/result.ts';
import { type AttemptResult, failedForNow } from '../attempt-result.ts';
import type { AttemptScope, Executor } from '../executor.ts';
import type { ScheduledTask } from '../task.ts';
import { silent } from '../testing/fixture.ts';
import type { TaskPayloads } from './task-payloads.ts';
import { type ReferenceOptions, withReferences } from './with-references.ts';

const limits = { referenceBytes: 20, payloadBytes: 100, messageBytes: 50 };
const input = JSON.stringify({ text: 'ü'.repeat(20) });

class Payloads implements TaskPayloads {
  given: string = input;
  failure: ReturnType<typeof failedForNow> | null = null;
  readonly kept: string[] = [];

  async input() {
    return this.failure === null ? ok(this.given) : err(this.failure);
  }

  async keep(_task: ScheduledTask, output: string, { sha256 }: { readonly sha256: string }) {
    if (this.failure !== null) return err(this.failure);
    this.kept.push(`${sha256} ${output}`);
    return ok(null);
  }
}

type Given = {
  readonly limits?: ReferenceOptions['limits'];
  readonly payloads?: Payloads | null;
  readonly reference?: ScheduledTask['inputReference'];
  readonly result?: AttemptResult;
};

async function run({ payloads = new Payloads(), reference = null, result = { status: 'completed', output: '1' }, ...given }: Given) {
  const seen: ScheduledTask[] = [];
  let untimed = 0;
  const scope: AttemptScope = {
    signal: new AbortController().signal,
    log: silent,
    untimed(work) {
      untimed++;
      return work();
    },
  };
  const executor: Executor = {
    canRun: ({ work }) => work !== null,
    label: () => 'label',
    run(task) {
      seen.push(task);
      return result;
    },
  };
  const task = { work: { type: 'http' }, input: null, inputReference: reference } as unknown as ScheduledTask;
  const answer = withReferences(executor, { payloads, limits, ...given }).run(task, scope);
  return { given: answer, ended: await answer, seen, untimed };
}

describe('An input that the record only names', () => {
  const reference = referenceTo(input);

  it('is there when the task runs, and its time does not count', async () => {
    const { ended, seen, untimed } = await run({ reference });
    expect(seen).toMatchObject([{ input: JSON.parse(input), inputReference: null }]);
    expect([ended, untimed]).toEqual([{ status: 'completed', output: '1' }, 1]);
  });

  it.each([
    ['is another one', { bytes: reference.bytes, sha256: referenceTo('1').sha256 }],
    ['has another length', { ...reference, bytes: reference.bytes + 1 }],
  ])('fails the attempt for now where what the API gives %s', async (_, wrong) => {
    const { ended, seen } = await run({ reference: wrong });
    expect(ended).toMatchObject({ status: 'failed', code: 'INPUT_MISMATCH', retryable: true });
    expect(seen).toEqual([]);
  });

  it('fails the attempt as the API says', async () => {
    const payloads = new Payloads();
    payloads.failure = failedForNow('ATTEMPT_NOT_OPEN', 'it is over');
    const { ended, seen } = await run({ payloads, reference });
    expect([ended, seen]).toEqual([payloads.failure, []]);
  });

  it('fails the attempt for now where the worker cannot get it, and says what to set', async () => {
    const { ended, seen } = await run({ payloads: null, reference });
    expect(ended).toMatchObject({ status: 'failed', code: 'INPUT_NOT_REACHED', retryable: true });
    expect(ended).toMatchObject({ message: expect.stringContaining('Set MILLRACE_URL and MILLRACE_WORKER_API_KEY') });
    expect(seen).toEqual([]);
  });

  it('is not got for a task that nobody runs here', async () => {
    const payloads = new Payloads();
    const returns: Executor = { canRun: () => false, label: () => '', run: () => ({ status: 'returned' }) };
    const task = { inputReference: reference } as ScheduledTask;
    const scope = { untimed: () => Promise.reject(new Error('it was asked for')) } as unknown as AttemptScope;
    expect(withReferences(returns, { payloads, limits }).run(task, scope)).toEqual({ status: 'returned' });
  });
});

describe('An output', () => {
  const outputOf = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));

  it('that is small stays in the record, and costs no promise', async () => {
    const { given } = await run({ result: { status: 'completed', output: outputOf(20) } });
    expect(given).toEqual({ status: 'completed', output: outputOf(20) });
  });

  it('that is large is left before the attempt ends, also one in few characters', async () => {
    for (const output of [outputOf(21), outputOf(100), '"üüüüüüüüüü"']) {
      const payloads = new Payloads();
      const { ended, untimed } = await run({ payloads, result: { status: 'completed', output } });
      const reference = referenceTo(output);
      expect([ended, untimed]).toEqual([{ status: 'kept', reference }, 1]);
      expect(payloads.kept).toEqual([`${reference.sha256} ${output}`]);
    }
  });

  it('that is above the limit is left to whoever refuses it', async () => {
    const payloads = new Payloads();
    const result = { status: 'completed', output: outputOf(101) } as const;
    expect((await run({ payloads, result })).ended).toBe(result);
    expect(payloads.kept).toEqual([]);
  });

  it('is in the record as ever, where the worker cannot leave it and the record can hold it', async () => {
    const result = { status: 'completed', output: outputOf(50) } as const;
    expect((await run({ payloads: null, result })).ended).toBe(result);
    const { ended } = await run({ payloads: null, result: { status: 'completed', output: outputOf(51) } });
    expect(ended).toMatchObject({ status: 'failed', code: 'OUTPUT_NOT_KEPT', retryable: false });
    expect(ended).toMatchObject({ message: expect.stringContaining('Set MILLRACE_URL and MILLRACE_WORKER_API_KEY') });
  });

  it('of too many values for a reference is in the record as ever, where that can hold it', async () => {
    const output = `[${'1,'.repeat(referencedValuesMax)}1]`;
    const result = { status: 'completed', output } as const;
    const [fits, tooLarge] = [new Payloads(), new Payloads()];
    const messageBytes = output.length;
    const payloadBytes = 2 * messageBytes;
    expect((await run({ payloads: fits, result, limits: { ...limits, payloadBytes, messageBytes } })).ended).toBe(result);
    await run({ payloads: tooLarge, result, limits: { ...limits, payloadBytes, messageBytes: messageBytes - 1 } });
    expect([fits.kept.length, tooLarge.kept.length]).toEqual([0, 1]);
  });

  it('that the API does not take fails the attempt', async () => {
    const payloads = new Payloads();
    payloads.failure = failedForNow('ATTEMPT_NOT_OPEN', 'it is over');
    expect((await run({ payloads, result: { status: 'completed', output: outputOf(60) } })).ended).toBe(payloads.failure);
  });

  it('is none of an attempt that failed', async () => {
    const failure = failedForNow('X', 'x'.repeat(200));
    expect((await run({ result: failure })).ended).toBe(failure);
  });
});
