/** Lines of `millrace watch`: what a reader asks first is on them, and no data steers the terminal. */
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../client/index.ts';
import { historyLine } from './history-line.ts';

const instanceId = '01a229f5-3646-76c8-8262-fdea591884d0';
const line = (type: string, path: string | null, details: HistoryEntry['details']): string =>
  historyLine({
    seq: 7,
    type,
    at: '2026-01-31T09:00:00.123Z',
    cause: 'x',
    taskId: path === null ? null : `${instanceId}.${path}`,
    details,
    omitted: false,
  });

describe('A line of a history', () => {
  it.each<readonly [string, string, string | null, HistoryEntry['details'], string]>([
    ['that nothing more is known of', 'NodeExited', 'pay', { takenEdges: ['a->b'], set: null }, 'NodeExited  pay'],
    ['of a start', 'InstanceStarted', null, { by: 'admin', definitionId: 'x', timeoutAt: null }, 'InstanceStarted'],
    [
      'of a person',
      'TaskCompleted',
      'sign',
      { by: 'grace', outcome: 'refuse', comment: 'Too dear' },
      'TaskCompleted  sign  by grace refuse "Too dear"',
    ],
    [
      'of an attempt that failed',
      'AttemptFailed',
      'pay',
      { status: 'failed', error: { code: 'HTTP_503', message: 'Away.' }, retryAt: 1769850001000 },
      'AttemptFailed  pay  HTTP_503: Away. again at 2026-01-31 09:00:01',
    ],
    [
      'of a timeout',
      'TaskFailed',
      'ask',
      { status: 'timedOut', error: { code: 'TIMEOUT', message: 'Late.' }, by: null },
      'TaskFailed  ask  timedOut TIMEOUT: Late.',
    ],
    [
      'of an incident',
      'IncidentRaised',
      'pay',
      { incident: { error: { code: 'MR_X', message: 'It is so.' } } },
      'IncidentRaised  pay  MR_X: It is so.',
    ],
    [
      'of an end to come',
      'InstanceEnding',
      null,
      { goal: { status: 'failed', error: { code: 'NO', message: 'No.' } } },
      'InstanceEnding  NO: No.',
    ],
    [
      'of a cancel',
      'InstanceCancelled',
      null,
      { by: 'ada', reason: 'The customer called' },
      'InstanceCancelled  by ada "The customer called"',
    ],
    ['of a correction', 'NodeCorrected', 'pay', { by: 'ada', action: 'skip', reason: null }, 'NodeCorrected  pay  by ada skip'],
    [
      'of an item',
      'ScopeEnded',
      null,
      { scope: 'orders.3', status: 'failed', error: { code: 'NO', message: 'No.' } },
      'ScopeEnded  orders.3  NO: No.',
    ],
    ['of a wait', 'WaitStarted', 'pause', { until: 1769850060000 }, 'WaitStarted  pause  until 2026-01-31 09:01:00'],
    ['of a child', 'ChildTold', 'ship', { childId: 'c-1', wish: 'cancel', number: 2 }, 'ChildTold  ship  cancel c-1'],
  ])('%s', (_, type, path, details, expected) => {
    expect(line(type, path, details)).toBe(`   7  2026-01-31 09:00:00  ${expected}`);
  });

  it('is cut, and has no control characters', () => {
    const long = line('InstanceCancelled', null, { reason: `\u001b[31m${'x'.repeat(5_000)}` });
    expect(long.length).toBeLessThan(300);
    expect(long).toMatch(/" \[31mx+…$/);
  });
});
