/** What every store must do with bulk jobs. */
import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { EpochMs, InstanceId, JobId } from '../../src/core/ids.ts';
import { commandIdOfJob } from '../../src/core/instance/children/child-id.ts';
import { start } from '../../src/core/instance/index.ts';
import type { Json } from '../../src/core/json.ts';
import { commandOfJob } from '../../src/engine/job/job-commands.ts';
import type { CountedJob, JobRequest, JobStep, JobStore } from '../../src/store/jobs.ts';
import { eventuallyHas } from '../support/eventually.ts';
import { firstIdAt, issued, jobCommandsOf } from '../support/job-lab.ts';
import { newDefinition, openLab, type StoreLab, type StoreUnderTest, transitionOf } from '../support/store-lab.ts';

const napping = { nodes: { nap: { type: 'wait', for: '1h' } }, edges: [] };

/** @param factory called once; the store may hold what other tests wrote. */
export function testJobs(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let jobs: JobStore;
  let lab: StoreLab;

  beforeAll(async () => {
    given = await factory();
    ({ jobs } = given);
    lab = await openLab(given);
  });

  const startMany = async (definition: Definition, count: number): Promise<InstanceId[]> => {
    const ids: InstanceId[] = [];
    for (let n = 0; n < count; n++) ids.push(await lab.start(definition));
    return ids.sort();
  };
  /** An instance whose id and time are given: clocks of processes differ. */
  const startAs = async (definition: Definition, instanceId: InstanceId, at: EpochMs): Promise<void> => {
    const started = start(definition, { instanceId, input: {}, businessKey: null, by: 'tester', cause: 'rest:1' }, at);
    if (!started.ok) throw new Error('the start was refused');
    await lab.store.start([{ transition: transitionOf(instanceId, null, 0, started.value), idempotency: null }]);
  };
  const requestOf = (definition: Definition, more: Partial<JobRequest> = {}): JobRequest => ({
    ...{
      jobId: uuidv7() as JobId,
      operation: 'cancel',
      toVersion: null,
      filter: { definition: definition.id },
      reason: 'cleaning',
      by: 'ada',
    },
    ...{ rate: 10_000, canary: null, maxFailures: null },
    ...more,
  });
  const create = async (definition: Definition, more: Partial<JobRequest> = {}): Promise<JobId> => {
    const created = await jobs.create(requestOf(definition, more), null);
    if (created.kind !== 'created') throw new Error(created.kind);
    return created.job.jobId;
  };
  /** Until nothing is due. Jobs of other tests go on as well. */
  const run = async (): Promise<JobStep[]> => {
    const steps: JobStep[] = [];
    for (;;) {
      const step = await jobs.advance(jobCommandsOf);
      if (step.advanced === null) return steps;
      steps.push(step);
    }
  };
  /** The same once so much time has passed. */
  const runAfter = async (jobId: JobId, ms: number): Promise<CountedJob> => {
    await given.ageJob(jobId, ms);
    await run();
    return await jobOf(jobId);
  };
  const jobOf = async (jobId: JobId): Promise<CountedJob> => {
    const job = await jobs.get(jobId);
    if (job === null) throw new Error(`no job ${jobId}`);
    return job;
  };
  /** The commands that an instance was sent, as their messages say. */
  const sentTo = async (id: InstanceId): Promise<readonly { readonly commandId: string; readonly command: Json }[]> =>
    (await given.sent(id)).flatMap(({ type, payload }) =>
      type === 'CommandIssued' ? [payload as unknown as { commandId: string; command: Json }] : [],
    );
  const answered = async (definition: Definition, jobId: JobId, id: InstanceId): Promise<void> => {
    const command = commandOfJob(await jobOf(jobId));
    await lab.step(definition, id, { type: 'CommandIssued', commandId: commandIdOfJob(jobId, id), by: 'ada', command });
  };

  describe('bulk jobs', () => {
    it('send each instance of the selection one command with its message, and are done once all have their results', async () => {
      const definition = newDefinition(napping);
      const ids = await startMany(definition, 3);
      const jobId = await create(definition);
      expect(await jobOf(jobId)).toMatchObject({ status: 'running', selected: 3, isMore: false, sent: 0, by: 'ada', reason: 'cleaning' });
      await run();
      expect(await jobOf(jobId)).toMatchObject({ status: 'running', isAllSent: true, sent: 3, pending: 3, applied: 0, refused: 0 });
      for (const id of ids) {
        const commandId = commandIdOfJob(jobId, id);
        expect(await sentTo(id)).toEqual([{ commandId, command: { type: 'cancel', reason: 'cleaning' } }]);
        expect((await lab.queries.get(id))?.pending).toMatchObject([{ commandId, type: 'cancel', by: 'ada' }]);
      }
      for (const id of ids) await answered(definition, jobId, id);
      expect(await runAfter(jobId, 1_000)).toMatchObject({ status: 'done', sent: 3, pending: 0, applied: 3, refused: 0, nextAt: null });
      expect((await jobOf(jobId)).finishedAt).not.toBeNull();
    });

    it('count right and list what failed and why, refused ones first', async () => {
      const definition = newDefinition(napping);
      const ids = await startMany(definition, 5);
      const jobId = await create(definition, { operation: 'pause' });
      await run();
      // A person was faster.
      for (const id of ids.slice(3)) {
        const commandId = commandIdOfJob(uuidv7() as JobId, id);
        await lab.step(definition, id, { type: 'CommandIssued', commandId, by: 'bob', command: { type: 'pause' } });
      }
      const [first, , , last] = ids;
      if (first === undefined || last === undefined) throw new Error('unreachable: five were started');
      await answered(definition, jobId, first);
      await answered(definition, jobId, last);
      expect(await jobOf(jobId)).toMatchObject({ sent: 5, pending: 3, applied: 1, refused: 1 });
      // What is refused at the very moment of the first page is not told apart from what is refused later.
      const refusedAt = await lab.store.now();
      await eventuallyHas(
        () => lab.store.now(),
        (now) => now > refusedAt,
      );
      const page = await jobs.results(jobId, null, 2, null);
      expect(page.items).toMatchObject([
        { instanceId: last, result: { status: 'refused', code: 'MR_ALREADY_PAUSED', reason: 'The instance is paused already.' } },
        { instanceId: first, result: { status: 'applied' } },
      ]);
      // What is refused meanwhile moves nothing.
      const other = ids[4];
      if (other !== undefined) await answered(definition, jobId, other);
      const rest = await jobs.results(jobId, null, 10, page.nextCursor);
      expect(rest.items.map(({ instanceId }) => instanceId)).toEqual([ids[1], ids[2], other]);
      expect(rest.nextCursor).toBeNull();
      const refused = await jobs.results(jobId, 'refused', 10, null);
      expect(refused.items.map(({ instanceId }) => instanceId)).toEqual([last, other]);
      expect((await jobs.results(jobId, 'pending', 10, null)).items.map(({ instanceId }) => instanceId)).toEqual([ids[1], ids[2]]);
    });

    it('never touch an instance that started after them, whatever its id', async () => {
      const definition = newDefinition(napping);
      const [id] = await startMany(definition, 1);
      const jobId = await create(definition);
      const now = await lab.store.now();
      const before = firstIdAt(now - 60_000);
      await startAs(definition, before, now + 60_000);
      const [after] = await startMany(definition, 1);
      await run();
      expect((await jobOf(jobId)).sent).toBe(1);
      expect(await sentTo(id as InstanceId)).toHaveLength(1);
      expect([...(await sentTo(before)), ...(await sentTo(after as InstanceId))]).toEqual([]);
    });

    it('leave out an instance that no longer fits when its turn comes, and those that have ended', async () => {
      const definition = newDefinition(napping);
      const [ended, paused, running] = await startMany(definition, 3);
      await lab.step(definition, ended as InstanceId, issued({ type: 'cancel', reason: null }));
      const jobId = await create(definition, { filter: { definition: definition.id, status: 'running' } });
      expect((await jobOf(jobId)).selected).toBe(2);
      await lab.step(definition, paused as InstanceId, issued({ type: 'pause' }));
      await run();
      expect(await jobOf(jobId)).toMatchObject({ sent: 1, isAllSent: true });
      expect(await sentTo(running as InstanceId)).toHaveLength(1);
    });

    it('are done at once where nothing fits', async () => {
      const definition = newDefinition(napping);
      await startMany(definition, 1);
      const jobId = await create(definition, { operation: 'resume' });
      await run();
      expect(await runAfter(jobId, 1_000)).toMatchObject({ status: 'done', selected: 0, sent: 0, refused: 0 });
    });

    it('send a page whole or not at all: after a process died in the middle each instance gets one command', async () => {
      const definition = newDefinition(napping);
      const ids = await startMany(definition, 3);
      const jobId = await create(definition);
      const dying = (...args: Parameters<typeof jobCommandsOf>) => {
        if (args[0].jobId === jobId) throw new Error('the process dies');
        return jobCommandsOf(...args);
      };
      await expect(
        (async () => {
          while ((await jobs.advance(dying)).advanced !== null);
        })(),
      ).rejects.toThrow('the process dies');
      expect(await jobOf(jobId)).toMatchObject({ sent: 0, pending: 0 });
      await run();
      for (const id of ids) expect(await sentTo(id)).toHaveLength(1);
      expect(await jobOf(jobId)).toMatchObject({ sent: 3, pending: 3 });
    });

    it('keep their rate, however many orchestrators advance them', async () => {
      const definition = newDefinition(napping);
      await startMany(definition, 40);
      const rate = 8;
      const began = await lab.store.now();
      const jobId = await create(definition, { rate });
      const together = () => Promise.all([1, 2, 3, 4].map(run));
      /** Beside what the time allows that really passes meanwhile. */
      const expectSent = async (least: number, most: number) => {
        const { sent } = await jobOf(jobId);
        expect(sent).toBeGreaterThanOrEqual(least);
        expect(sent).toBeLessThanOrEqual(most + Math.ceil((((await lab.store.now()) - began) * rate) / 1_000));
      };
      // A quarter of a second's worth at once, then one quarter after the other.
      await together();
      await expectSent(2, 2);
      await given.ageJob(jobId, 250);
      await together();
      await expectSent(4, 4);
      // Who was held up for long makes up for a second, not for all of it.
      const { sent } = await jobOf(jobId);
      await given.ageJob(jobId, 60_000);
      await together();
      await expectSent(sent + 8, sent + 8);
    });

    it('pause by themselves once their canary is sent, and go on when a person resumes them', async () => {
      const definition = newDefinition(napping);
      await startMany(definition, 5);
      const jobId = await create(definition, { canary: 2 });
      await run();
      const paused = await jobOf(jobId);
      expect(paused).toMatchObject({ status: 'paused', sent: 2, nextAt: null, pause: { why: 'canary', by: null } });
      expect(await runAfter(jobId, 60_000)).toMatchObject({ status: 'paused', sent: 2 });
      expect(await jobs.act(jobId, 'resume', 'bob')).toMatchObject({ acted: true, job: { status: 'running', pause: null } });
      await run();
      expect(await jobOf(jobId)).toMatchObject({ sent: 5, isAllSent: true });
    });

    it('do not pause for a canary that was all of it', async () => {
      const definition = newDefinition(napping);
      await startMany(definition, 2);
      const jobId = await create(definition, { canary: 2 });
      await run();
      expect(await jobOf(jobId)).toMatchObject({ status: 'running', sent: 2, isAllSent: true });
    });

    it('pause by themselves when too many are refused, and count anew after a resume', async () => {
      const definition = newDefinition(napping);
      const ids = await startMany(definition, 6);
      const jobId = await create(definition, {
        operation: 'retry',
        filter: { definition: definition.id, status: 'running' },
        rate: 4,
        maxFailures: 1,
      });
      await run();
      for (const id of ids.slice(0, 2)) {
        await answered(definition, jobId, id).catch(() => undefined);
        await runAfter(jobId, 250);
      }
      const stopped = await runAfter(jobId, 250);
      expect(stopped).toMatchObject({ status: 'paused', refused: 2, pause: { why: 'failures', by: null } });
      expect((await jobs.results(jobId, 'refused', 10, null)).items).toMatchObject([
        { instanceId: ids[0], result: { code: 'MR_NO_INCIDENT' } },
        { instanceId: ids[1], result: { code: 'MR_NO_INCIDENT' } },
      ]);
      await jobs.act(jobId, 'resume', 'bob');
      await run();
      const resumed = await jobOf(jobId);
      expect(resumed).toMatchObject({ status: 'running', refused: 2 });
      expect(resumed.sent).toBeGreaterThan(stopped.sent);
    });

    it('are paused, resumed and cancelled by people, who are told where the status does not allow it', async () => {
      const definition = newDefinition(napping);
      await startMany(definition, 3);
      const jobId = await create(definition, { rate: 1 });
      await run();
      expect(await jobs.act(jobId, 'resume', 'bob')).toMatchObject({ acted: false, job: { status: 'running' } });
      expect(await jobs.act(jobId, 'pause', 'bob')).toMatchObject({
        acted: true,
        job: { status: 'paused', pause: { why: 'person', by: 'bob' } },
      });
      expect(await jobs.act(jobId, 'pause', 'bob')).toMatchObject({ acted: false });
      expect((await runAfter(jobId, 5_000)).sent).toBe(1);
      expect(await jobs.act(jobId, 'cancel', 'bob')).toMatchObject({ acted: true, job: { status: 'cancelled', pause: null } });
      expect(await jobs.act(jobId, 'resume', 'bob')).toMatchObject({ acted: false });
      // What was sent stays, and its result counts.
      expect(await runAfter(jobId, 5_000)).toMatchObject({ status: 'cancelled', sent: 1, pending: 1 });
      const [result] = (await jobs.results(jobId, null, 10, null)).items;
      await answered(definition, jobId, result?.instanceId as InstanceId);
      expect(await runAfter(jobId, 5_000)).toMatchObject({ status: 'cancelled', sent: 1, pending: 0, applied: 1, nextAt: null });
      expect(await jobs.act(uuidv7() as JobId, 'cancel', 'bob')).toBeNull();
    });

    it('are created once for an idempotency key', async () => {
      const definition = newDefinition(napping);
      const key = `key-${uuidv7()}`;
      const first = await jobs.create(requestOf(definition), { key, bodyHash: 'body' });
      const again = await jobs.create(requestOf(definition), { key, bodyHash: 'body' });
      if (first.kind === 'keyReused') throw new Error('unreachable: the key is new');
      expect(again).toMatchObject({ kind: 'repeated', job: { jobId: first.job.jobId } });
      expect(await jobs.create(requestOf(definition), { key, bodyHash: 'another' })).toEqual({ kind: 'keyReused' });
      const request = requestOf(definition);
      expect(await jobs.create(request, null)).toMatchObject({ kind: 'created' });
      // The answer to this very call got lost.
      expect(await jobs.create(request, null)).toMatchObject({ kind: 'repeated', job: { jobId: request.jobId } });
    });

    it('say beforehand what they would be for, and write nothing', async () => {
      const definition = newDefinition(napping);
      const ids = await startMany(definition, 3);
      const preview = await jobs.preview({ operation: 'cancel', toVersion: null, filter: { definition: definition.id } }, 2);
      expect(preview).toMatchObject({ selected: 3, isMore: false, sample: ids.slice(0, 2).map((instanceId) => ({ instanceId })) });
      await run();
      for (const id of ids) expect(await sentTo(id)).toEqual([]);
    });

    it('find instances by what lists of instances ask for', async () => {
      const definition = newDefinition(napping);
      const id = await lab.start(definition, {}, { businessKey: 'k-1' });
      await lab.start(definition, {}, { businessKey: 'k-2' });
      const { startedAt } = await lab.stateOf(id);
      const filters = [
        { businessKey: 'k-1' },
        { businessKey: 'k-1', version: 1, startedFrom: startedAt, startedTo: startedAt + 1 },
        { businessKey: 'k-1', status: 'running' as const },
      ];
      for (const filter of filters) {
        const found = await jobs.preview({ operation: 'pause', toVersion: null, filter: { definition: definition.id, ...filter } }, 10);
        expect(found.sample).toMatchObject([{ instanceId: id }]);
      }
      const retrying = newDefinition({ nodes: { work: { type: 'task', task: 'work' } } });
      const [fails, works] = await startMany(retrying, 2);
      await lab.fails(retrying, fails as InstanceId, 'work');
      for (const [isRetrying, found] of [
        [true, fails],
        [false, works],
      ] as const) {
        const filter = { definition: retrying.id, retrying: isRetrying };
        expect(await jobs.preview({ operation: 'cancel', toVersion: null, filter }, 10)).toMatchObject({
          ...{ selected: 1, sample: [{ instanceId: found }] },
        });
      }
      const none = await jobs.preview({ operation: 'pause', toVersion: null, filter: { definition: definition.id, version: 2 } }, 10);
      expect(none).toMatchObject({ selected: 0, sample: [] });
    });

    it('are kept with their results for as long as their retention says, and go with them', async () => {
      const definition = newDefinition(napping);
      const [id] = await startMany(definition, 1);
      const jobId = await create(definition);
      await run();
      await answered(definition, jobId, id as InstanceId);
      await runAfter(jobId, 1_000);
      const days = (count: number): number => count * 86_400_000;
      await given.ageJob(jobId, days(5));
      // Results of other commands are kept for a day.
      await given.maintain({ jobsMs: days(6), instancesMs: null });
      expect(await jobOf(jobId)).toMatchObject({ status: 'done', applied: 1 });
      expect((await jobs.results(jobId, null, 10, null)).items).toHaveLength(1);
      await given.maintain({ jobsMs: days(4), instancesMs: null });
      expect(await jobs.get(jobId)).toBeNull();
      expect((await jobs.results(jobId, null, 10, null)).items).toEqual([]);
      expect(await lab.store.commandResult(commandIdOfJob(jobId, id as InstanceId))).toBeNull();
    });

    it('are kept while they are not over, however old they are', async () => {
      const definition = newDefinition(napping);
      await startMany(definition, 1);
      const jobId = await create(definition, { canary: 1 });
      await jobs.act(jobId, 'pause', 'bob');
      await given.ageJob(jobId, 86_400_000);
      await given.maintain({ jobsMs: 0, instancesMs: null });
      expect(await jobs.get(jobId)).toMatchObject({ status: 'paused' });
    });

    it('move instances to a version, and leave out those that are on it', async () => {
      const definition = newDefinition(napping);
      const [id] = await startMany(definition, 1);
      await startMany({ ...definition, version: 2 }, 1);
      const jobId = await create(definition, { operation: 'migrate', toVersion: 2 });
      await run();
      expect(await jobOf(jobId)).toMatchObject({ selected: 1, sent: 1, toVersion: 2 });
      expect(await sentTo(id as InstanceId)).toMatchObject([{ command: { type: 'migrate', version: 2, reason: 'cleaning' } }]);
    });

    it('are listed newest first, page by page, also by status', async () => {
      const definition = newDefinition(napping);
      const [first, second] = [await create(definition), await create(definition)];
      await jobs.act(first, 'pause', 'bob');
      const found: JobId[] = [];
      for (let cursor: string | null = null; ; ) {
        const page: Awaited<ReturnType<JobStore['list']>> = await jobs.list(null, 1, cursor);
        found.push(...page.items.map(({ jobId }) => jobId));
        cursor = page.nextCursor;
        if (cursor === null) break;
      }
      expect(found.filter((jobId) => jobId === first || jobId === second)).toEqual([second, first]);
      expect((await jobs.list('paused', 500, null)).items.map(({ jobId }) => jobId)).toContain(first);
      expect((await jobs.list('paused', 500, null)).items.map(({ jobId }) => jobId)).not.toContain(second);
    });
  });
}
