import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { TaskPath } from '../../core/ids.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import { referenceTo } from '../../core/payload-reference.ts';
import { outputKeyText } from '../../store/task-outputs.ts';
import { Fixture, type GivenRecord, instanceIdOf } from '../testing/fixture.ts';
import type { ReadRecord } from './read-notification.ts';
import { portionsOf } from './referenced-outputs.ts';

const PICK = 'pick' as TaskPath;
const output = '{"text":"ü","n":1e3}';

/** Keeps the output of the open attempt of `pick`. */
function keep(fixture: Fixture, text: string, named = text, n = 1): string {
  const instanceId = instanceIdOf(n);
  const stored = fixture.store.stored(instanceId);
  const task = stored === undefined ? undefined : taskAt(stored.state, PICK);
  if (task === undefined) throw new Error('the task is not there');
  const key = outputKeyText({ instanceId, path: PICK, attempt: task.attempt, basis: task.basis, sha256: referenceTo(named).sha256 });
  fixture.kept.set(key, text);
  return key;
}

function naming(fixture: Fixture, offset: number, text: string, change: object = {}, n = 1): GivenRecord {
  return fixture.outcome(offset, 'pick', { n, output: '', outputReference: { ...referenceTo(text), ...change } });
}

async function begun(): Promise<Fixture> {
  const fixture = await Fixture.start();
  fixture.begin();
  return fixture;
}

describe('an outcome that names its output', () => {
  test('is applied as if the output stood in its record, which is removed then', async () => {
    const fixture = await begun();
    keep(fixture, output);
    await fixture.process(naming(fixture, 0, output));
    expect(fixture.state().tasks[PICK]).toMatchObject({ status: 'completed', output: { text: 'ü', n: 1_000 } });
    expect(fixture.kept.size).toBe(0);
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test('is stale when it comes again, though its output is gone', async () => {
    const fixture = await begun();
    keep(fixture, output);
    const [first, again] = [naming(fixture, 0, output), naming(fixture, 1, output)];
    await fixture.process(first);
    await fixture.process(again);
    expect(fixture.store.written).toHaveLength(1);
    expect(await fixture.counted('notifications_rejected_total', { code: 'MR_OUTCOME_STALE' })).toBe(1);
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test.each([
    ['is not there', null, {}],
    ['is another one', '{"text":"u","n":1e3}', {}],
    ['has another length', output, { bytes: 1 }],
  ])('is a failed attempt that is tried again, where the output %s', async (_, stored, change) => {
    const fixture = await begun();
    if (stored !== null) keep(fixture, stored, output);
    await fixture.process(naming(fixture, 0, output, change));
    expect(fixture.state().tasks[PICK]).toMatchObject({ status: 'retrying' });
    expect(JSON.stringify(fixture.store.written.at(-1)?.history)).toContain('OUTPUT_MISSING');
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test.each([
    ['no JSON', '{"a":', 'The output is not JSON.'],
    ['JSON that is not exact', '{"a":12345678901234567890}', 'The output cannot be stored (at /a)'],
  ])('is a failed attempt that is not tried again, where the output is %s', async (_, text, message) => {
    const fixture = await begun();
    keep(fixture, text);
    await fixture.process(naming(fixture, 0, text));
    const task = fixture.state().tasks[PICK];
    expect(task).toMatchObject({ status: 'failed', error: { code: 'OUTPUT_INVALID', message: expect.stringContaining(message) } });
    expect(fixture.kept.size).toBe(0);
  });

  test.each([{ sha256: 'A'.repeat(64) }, { sha256: '' }, { bytes: 0 }, { bytes: -1 }, { bytes: 5_000_000 }])(
    'is a dead letter where its reference cannot be one: %o',
    async (change) => {
      const fixture = await begun();
      await fixture.process(naming(fixture, 0, output, change));
      expect(await fixture.sentDeadLetters()).toMatchObject([{ code: 'MR_MESSAGE_INVALID' }]);
      expect(fixture.state().tasks[PICK]).toMatchObject({ status: 'scheduled' });
    },
  );

  test('waits while the database is away, and loses nothing', async () => {
    const fixture = await begun();
    const key = keep(fixture, output);
    const { keptOutputs } = fixture.outputs;
    const away = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
    const answers = [Promise.reject(away), Promise.reject(away)];
    for (const answer of answers) answer.catch(() => undefined);
    Object.assign(fixture.outputs, {
      keptOutputs: (...args: Parameters<typeof keptOutputs>) => answers.shift() ?? keptOutputs(...args),
    });
    await fixture.process(naming(fixture, 0, output));
    expect(fixture.state().tasks[PICK]).toMatchObject({ status: 'completed' });
    expect(fixture.kept.has(key)).toBe(false);
  });
});

test('records that name much are read in portions, in their order', () => {
  const MIB = 1_048_576;
  const record = (bytes: number | null): ReadRecord =>
    ({ notification: bytes === null ? { type: 'TimerFired' } : { type: 'TaskOutcome', reference: { bytes, sha256: '' } } }) as never;
  const sizes = [null, 4 * MIB, 12 * MIB, null, 1, null, 20 * MIB, null, MIB];
  const given = sizes.map(record);
  const portions = portionsOf(given);
  expect(portions.flat()).toEqual(given);
  expect(portions.map(({ length }) => length)).toEqual([4, 2, 2, 1]);
  expect(portionsOf([])).toEqual([[]]);
  expect(portionsOf([record(null), record(null)])).toHaveLength(1);
});
