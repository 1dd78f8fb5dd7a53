import { expect, it } from 'vitest';
import type { JobId } from '../../core/ids.ts';
import { begunJob, type JobPause, type JobProgress } from '../../core/jobs/job.ts';
import type { Job, JobStep } from '../../store/jobs.ts';
import { silent } from '../testing/fixture.ts';
import { createJobTask } from './job-task.ts';

const now = Date.UTC(2026, 0, 5);
const pace = { rate: 100, canary: null, maxFailures: null };
const job = (more: Partial<JobProgress> = {}): Job => ({
  ...{
    jobId: 'j' as JobId,
    operation: 'cancel',
    toVersion: null,
    filter: {},
    reason: null,
    by: 'ada',
    createdAt: now,
    cursor: null,
    highestId: null,
  },
  ...{ ...pace, selected: 3, isMore: false, ...begunJob(pace, false, now), ...more },
});

/** What is counted and logged of one step, and then the time that the task waits. */
async function toldOf(step: JobStep): Promise<{ readonly counted: string[]; readonly logged: string[]; readonly waitMs: number }> {
  const counted: string[] = [];
  const logged: string[] = [];
  const note = (level: string) => (fields: object, text: string) => logged.push(`${level}: ${text} ${JSON.stringify(fields)}`);
  const task = createJobTask({
    jobs: { advance: async () => step },
    outgoing: { ofCommand: () => Promise.reject(new Error('the store of this test sends nothing')) as never, partitionOf: () => 0 },
    intervalMs: 250,
    log: Object.assign(Object.create(silent) as typeof silent, { info: note('info'), warn: note('warn') }),
    onSent: (operation, count) => counted.push(`${operation} ${count}`),
    onPaused: (why) => counted.push(`paused ${why}`),
  });
  const waitMs = await task();
  return { counted, logged, waitMs };
}

const stepOf = (progress: Partial<JobProgress>, sent = 0): JobStep => ({ advanced: { job: job(progress), sent }, nextDueAt: null, now });
const pauseBy = (why: JobPause['why']): Partial<JobProgress> => ({ status: 'paused', pause: { why, by: null, at: now } });

it('counts what a page has sent, and looks for the next one at once', async () => {
  expect(await toldOf(stepOf({}, 25))).toEqual({ counted: ['cancel 25'], logged: [], waitMs: 0 });
});

it('warns of a job that stopped since too many were refused', async () => {
  const { counted, logged } = await toldOf(stepOf(pauseBy('failures')));
  expect(counted).toEqual(['paused failures']);
  expect(logged).toEqual([expect.stringMatching(/^warn: .*too many.*"jobId":"j","operation":"cancel","by":"ada"/)]);
});

it('tells of a canary that was sent with its last page, and of a job that is done', async () => {
  const canary = await toldOf(stepOf({ ...pauseBy('canary'), sent: 3 }, 3));
  expect(canary.counted).toEqual(['cancel 3', 'paused canary']);
  expect(canary.logged).toEqual([expect.stringMatching(/^info: .*canary/)]);
  expect((await toldOf(stepOf({ status: 'done', nextAt: null }))).logged).toEqual([expect.stringMatching(/^info: A job is done/)]);
});

it.each([
  [null, 250],
  [now + 40, 40],
  [now + 5_000, 250],
  [now - 10, 10],
])('waits for the next job, and no longer than its interval (next at %s: %s ms)', async (nextDueAt, waitMs) => {
  expect((await toldOf({ advanced: null, nextDueAt, now })).waitMs).toBe(waitMs);
});
