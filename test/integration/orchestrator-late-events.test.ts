/** An event that came before the deadline of its wait wins, even if it is read only after the deadline. */
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import { groupNames } from '../../src/messaging/topics.ts';
import { eventually } from '../support/eventually.ts';
import { statusIs } from '../support/orchestrator-cases.ts';
import { OrchestratorLab, type TestOrchestrator } from '../support/orchestrator-lab.ts';

const PREFIX = 'late-events-lab';
const PAID = 'late.paid';
const COUNT = 20;

let lab: OrchestratorLab;
let waiting: Definition;
let napping: Definition;
const running: TestOrchestrator[] = [];

beforeAll(async () => {
  lab = await OrchestratorLab.open(PREFIX);
  waiting = await lab.deploy({
    id: 'late',
    nodes: { paid: { type: 'event', event: PAID, key: '${ input.key }', timeout: '2s' }, gone: { type: 'transform', output: 1 } },
    edges: [{ from: 'paid', to: 'gone', on: 'timedOut' }],
    output: '${ nodes.paid.status }',
  });
  napping = await lab.deploy({ id: 'nap', nodes: { sleep: { type: 'wait', for: '2s' } } });
});
afterAll(async () => {
  await Promise.all(running.map((each) => each.stop()));
  await lab?.close();
});

/** Instances with their events in Kafka, and one whose timer is due after all of theirs. */
async function accepted(): Promise<{ readonly ids: readonly InstanceId[]; readonly last: InstanceId }> {
  const keys = Array.from({ length: COUNT }, () => uuidv7());
  const ids = await Promise.all(keys.map((key) => lab.start(waiting, { key })));
  const last = await lab.start(napping);
  await lab.sendEvents(...keys.map((key) => lab.event({ type: PAID, key })));
  return { ids, last };
}

async function sent(id: InstanceId, type: string): Promise<number> {
  return (await lab.outbox(id)).filter(({ messageType }) => messageType === type).length;
}

async function allComplete(ids: readonly InstanceId[]): Promise<void> {
  for (const id of ids) {
    await eventually(async () => expect(await sent(id, 'EventMatched')).toBe(1));
    await lab.forward(id);
    await statusIs(lab, id, 'completed');
    expect((await lab.state(id)).output, id).toBe('completed');
  }
}

test('no orchestrator runs before the deadline: all wins are of the events', async () => {
  const { ids, last } = await accepted();
  const dueAt = (await lab.state(last)).startedAt + 2_000;
  await eventually(async () => expect(await lab.store.now()).toBeGreaterThan(dueAt));
  running.push(await lab.run(), await lab.run());
  await allComplete(ids);
});

test('a member of the group holds its partitions and reads nothing: their deadlines wait until somebody does', async () => {
  const silent = lab.log.consumer({
    groupId: groupNames(PREFIX).correlator(null),
    topics: [lab.names.events],
    handlers: { onBatch: () => undefined, onAssigned: () => undefined, onRevoked: () => undefined },
  });
  await silent.start();
  await eventually(async () => expect(silent.assignment().length).toBeGreaterThan(0));
  const { ids, last } = await accepted();
  // Timers that come due later are fired, theirs are not.
  await eventually(async () => expect(await sent(last, 'TimerFired')).toBe(1));
  const timedOut = await Promise.all(ids.map((id) => sent(id, 'TimerFired')));
  expect(timedOut.every((count) => count === 0)).toBe(true);
  await silent.stop();
  await allComplete(ids);
});

test('nothing came: the deadline fires', async () => {
  const id = await lab.start(waiting, { key: uuidv7() });
  await eventually(async () => expect(await sent(id, 'TimerFired')).toBe(1));
  await lab.forward(id);
  await statusIs(lab, id, 'completed');
  expect((await lab.state(id)).output).toBe('timedOut');
});
