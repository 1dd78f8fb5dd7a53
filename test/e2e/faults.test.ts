/** Processes of the engine die in the middle of their work: it costs time and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { decideAll, deployMix, expectAllFinished, sendEvents, startMix } from '../support/mixed-load.ts';

const COUNT = 25;
/** Instances of a bulk job, which takes two seconds for them: as many as may start at once however slow the database is. */
const BULK = 200;

describe('processes that are killed under load', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({
      orchestrators: 2,
      workers: ['test/support/e2e-handlers.ts', 'test/support/e2e-handlers.ts'],
    });
    await deployMix(engine);
  }, 120_000);
  afterAll(() => engine.stop());

  test.each(['orchestrator-1', 'worker-1', 'api'])(
    'kill -9 of %s changes nothing but time',
    async (victim) => {
      const tag = `kill-${victim}-${Date.now()}`;
      const before = await startMix(engine, COUNT, tag);
      await sendEvents(engine, before);
      await engine.kill(victim);
      if (victim !== 'api') await decideSoon(engine, before);
      await engine.startProcess(victim);
      if (victim === 'api') await decideSoon(engine, before);
      await expectAllFinished(engine, before);
    },
    180_000,
  );

  test('bulk actions run in the server, survive its restart and count right', async () => {
    const id = `bulk-${Date.now()}`;
    await engine.deploy({ id, nodes: { nap: { type: 'wait', for: '1h' } } });
    const started = Array.from({ length: BULK }, () => engine.client.start(id));
    const ids = (await Promise.all(started)).map(({ instanceId }) => instanceId);
    const { jobId } = await engine.client.createJob({ operation: 'cancel', query: { definition: id }, reason: 'bulk', rate: BULK / 2 });
    await eventuallyHas(
      () => engine.client.job(jobId),
      ({ sent }) => sent > 0,
    );
    // No process is left that could go on with it.
    await Promise.all([engine.kill('orchestrator-1'), engine.kill('orchestrator-2')]);
    const left = await engine.client.job(jobId);
    expect(left).toMatchObject({ status: 'running' });
    expect(left.sent).toBeLessThan(BULK);
    await Promise.all([engine.startProcess('orchestrator-1'), engine.startProcess('orchestrator-2')]);
    const done = await eventuallyHas(
      () => engine.client.job(jobId),
      ({ status }) => status === 'done',
      { timeoutMs: 120_000 },
    );
    expect(done).toMatchObject({ selected: BULK, sent: BULK, pending: 0, applied: BULK, refused: 0 });
    // One command each, and none twice.
    const rows = await queryInstances<{ status: string; entries: number }>(
      `SELECT i.status, (SELECT count(*) FROM history h, json_array_elements(h.entries) e WHERE h.instance_id = i.id
          AND e -> 'event' ->> 'type' IN ('InstanceCancelled', 'CommandRefused'))::int AS entries
        FROM instance i WHERE i.id = ANY ($1::uuid[])`,
      [ids],
    );
    expect(rows).toEqual(ids.map(() => ({ status: 'cancelled', entries: 1 })));
  }, 180_000);

  test('a group in which one member after another dies, each replaced at once, finishes its work', async () => {
    const load = await startMix(engine, COUNT, `again-${Date.now()}`);
    for (const victim of ['orchestrator-1', 'worker-1', 'orchestrator-2']) {
      await engine.kill(victim);
      await engine.startProcess(victim);
    }
    await sendEvents(engine, load);
    await decideSoon(engine, load);
    await expectAllFinished(engine, load);
  }, 180_000);

  test('an orchestrator that was frozen beyond its session wakes up as a zombie and changes nothing', async () => {
    const load = await startMix(engine, COUNT, `zombie-${Date.now()}`);
    const versions = () => queryInstances('SELECT id, version FROM instance WHERE id = ANY ($1::uuid[]) ORDER BY id', [load.instanceIds]);
    engine.signal('orchestrator-1', 'SIGSTOP');
    try {
      await sendEvents(engine, load);
      await decideSoon(engine, load);
      // Everything finishes only after the other process got the partitions of the frozen one.
      await expectAllFinished(engine, load);
    } finally {
      engine.signal('orchestrator-1', 'SIGCONT');
    }
    const before = await versions();
    const after = await startMix(engine, COUNT, `after-zombie-${Date.now()}`);
    await sendEvents(engine, after);
    await decideSoon(engine, after);
    await expectAllFinished(engine, after);
    // By now it has written its last batch, or lost the version check; results of the others have not changed.
    await expectAllFinished(engine, load);
    expect(await versions()).toEqual(before);
  }, 180_000);
});

/** Tasks of people open at the start of their instance, in the same transaction. */
async function decideSoon(engine: TestEngine, load: Awaited<ReturnType<typeof startMix>>): Promise<void> {
  await eventually(() => decideAll(engine, { ...load, ofPerson: load.ofPerson.slice(0, 1) }));
  await decideAll(engine, { ...load, ofPerson: load.ofPerson.slice(1) });
}
