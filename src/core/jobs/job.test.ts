import { describe, expect, it } from 'vitest';
import { acted, afterPage, begunJob, type JobPace, type JobProgress, jobStatusesOf, settled, turnOf, waiting } from './job.ts';

const T0 = Date.UTC(2026, 0, 5);
const pace = (more: Partial<JobPace> = {}): JobPace => ({ rate: 100, canary: null, maxFailures: null, ...more });
const begun = (more: Partial<JobPace> = {}): JobPace & JobProgress => ({ ...pace(more), ...begunJob(pace(more), false, T0) });

/** Pages from T0 on, each at the time that the one before has set, until so much time has passed. */
function pagesWithin(job: JobPace & JobProgress, ms: number): readonly number[] {
  const pages: number[] = [];
  let current = job;
  while (current.nextAt !== null && current.nextAt <= T0 + ms) {
    const now = current.nextAt;
    const turn = turnOf(current, 0, now);
    if (turn.kind === 'send') pages.push(turn.limit);
    current = {
      ...current,
      ...(turn.kind === 'send' ? afterPage(current, turn.limit, false, now) : waiting(current, turn.kind === 'wait' ? turn.until : now)),
    };
  }
  return pages;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('The pace of a job', () => {
  it.each([1, 3, 7, 100, 333, 2_000, 3_000, 10_000])('keeps %s commands a second over ten seconds', (rate) => {
    const sent = sum(pagesWithin(begun({ rate }), 10_000));
    expect(sent).toBeGreaterThanOrEqual(rate * 9.7);
    expect(sent).toBeLessThanOrEqual(rate * 10 + Math.min(Math.max(1, rate / 4), 500) + 1);
  });

  it('sends a quarter of a second at a time, and never more than a page', () => {
    expect(pagesWithin(begun({ rate: 100 }), 600)).toEqual([25, 25, 25]);
    expect(Math.max(...pagesWithin(begun({ rate: 10_000 }), 1_000))).toBe(500);
  });

  it('makes up for a second at most, however long nobody was there', () => {
    expect(turnOf(begun({ rate: 100 }), 0, T0 + 3_600_000)).toEqual({ kind: 'send', limit: 100 });
  });

  it('waits for the next command where nothing is allowed yet', () => {
    const job = { ...begun({ rate: 1 }), ...afterPage(begun({ rate: 1 }), 1, false, T0) };
    expect(turnOf(job, 0, T0 + 400)).toEqual({ kind: 'wait', until: T0 + 1_000 });
  });
});

describe('A job', () => {
  it('sends no more than what is left of its canary, and stops there once', () => {
    const job = begun({ canary: 10 });
    expect(turnOf(job, 0, T0)).toEqual({ kind: 'send', limit: 10 });
    const stopped = { ...job, ...afterPage(job, 10, false, T0) };
    expect(stopped).toMatchObject({ status: 'paused', pause: { why: 'canary', by: null, at: T0 }, nextAt: null });
    const resumed = { ...job, ...acted(stopped, 'resume', { by: 'ada', refused: 0, now: T0 }) };
    expect(turnOf(resumed, 0, T0 + 1_000)).toEqual({ kind: 'send', limit: 100 });
  });

  it('stops above its failures, and bears as many more after a resume', () => {
    const job = begun({ maxFailures: 2 });
    expect(turnOf(job, 2, T0).kind).toBe('send');
    expect(turnOf(job, 3, T0)).toEqual({ kind: 'pause', why: 'failures' });
    const resumed = { ...job, ...acted({ ...job, status: 'paused' }, 'resume', { by: 'ada', refused: 3, now: T0 }) };
    expect(turnOf(resumed, 5, T0).kind).toBe('send');
    expect(turnOf(resumed, 6, T0).kind).toBe('pause');
  });

  it('is done when everything was sent and has its result, and not before', () => {
    const job = { ...begun(), ...afterPage(begun(), 5, true, T0) };
    expect(turnOf(job, 0, T0 + 1_000)).toEqual({ kind: 'settle' });
    expect(settled(job, true, T0)).toMatchObject({ status: 'running', finishedAt: null, nextAt: T0 + 500 });
    expect(settled(job, false, T0)).toMatchObject({ status: 'done', finishedAt: T0, nextAt: null });
  });

  it('that was cancelled sends nothing more, and stays cancelled when its results are there', () => {
    const job = { ...begun(), ...acted(begun(), 'cancel', { by: 'ada', refused: 0, now: T0 }) };
    expect(turnOf(job, 0, T0)).toEqual({ kind: 'settle' });
    expect(settled(job, false, T0 + 5)).toMatchObject({ status: 'cancelled', finishedAt: T0, nextAt: null });
  });

  it.each([
    ['running', 'resume'],
    ['paused', 'pause'],
    ['done', 'pause'],
    ['done', 'resume'],
    ['done', 'cancel'],
    ['cancelled', 'cancel'],
    ['cancelled', 'resume'],
  ] as const)('that is %s takes no %s', (status, action) => {
    expect(acted({ ...begun(), status }, action, { by: 'ada', refused: 0, now: T0 })).toBeNull();
  });

  it('that has sent everything cannot be paused, but cancelled', () => {
    const job = { ...begun(), isAllSent: true };
    expect(acted(job, 'pause', { by: 'ada', refused: 0, now: T0 })).toBeNull();
    expect(acted(job, 'cancel', { by: 'ada', refused: 0, now: T0 })).toMatchObject({ status: 'cancelled' });
  });

  it('is for the statuses in which its operation can have an effect, or for the one that is asked for', () => {
    expect(jobStatusesOf('cancel', undefined)).toEqual(['running', 'paused', 'incident']);
    expect(jobStatusesOf('resume', undefined)).toEqual(['paused']);
    expect(jobStatusesOf('retry', 'running')).toEqual(['running']);
    expect(jobStatusesOf('retry', 'completed')).toEqual([]);
  });
});
