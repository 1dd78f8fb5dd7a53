/** The workflows that tests of orchestrators run, and what these tests wait for, on an `OrchestratorLab`. */
import { expect } from 'vitest';
import type { InstanceId } from '../../src/core/ids.ts';
import { statusOf } from '../../src/core/instance/index.ts';
import { eventually, eventuallyHas } from './eventually.ts';
import { OrchestratorLab } from './orchestrator-lab.ts';

/** @param prefix lower case letters and `-`; nobody else's. */
export async function openCases(prefix: string) {
  const lab = await OrchestratorLab.open(prefix);
  const order = await lab.deploy({
    id: 'order',
    nodes: { pick: { type: 'task', task: 'pick', timeout: '1s' }, pack: { type: 'task', task: 'pack' } },
    edges: [{ from: 'pick', to: 'pack' }],
  });
  const payment = await lab.deploy({
    id: 'payment',
    nodes: { paid: { type: 'event', event: 'payment.confirmed', key: '${ input.key }' } },
  });
  return { lab, order, payment };
}

/** It takes less than its topics do, as where somebody lowered the limit later: larger records are there already. */
export const smallRecords = { MILLRACE_MAX_MESSAGE_BYTES: '750000' };

export async function statusIs(lab: OrchestratorLab, instanceId: InstanceId, status: string): Promise<void> {
  await eventuallyHas(
    async () => statusOf(await lab.state(instanceId)),
    (found) => found === status,
    { what: 'status' },
  );
}

export async function pickedUp(lab: OrchestratorLab, instanceId: InstanceId): Promise<void> {
  await eventually(async () => expect(await lab.state(instanceId)).toMatchObject({ tasks: { pick: { status: 'completed' } } }));
}

export async function deadLetterOf(lab: OrchestratorLab, value: Buffer | null, code: string) {
  return await eventually(async () => {
    const found = (await lab.deadLetters()).find(
      (deadLetter) => deadLetter.code === code && (value === null ? deadLetter.value === null : deadLetter.value?.equals(value)),
    );
    if (found === undefined) throw new Error(`no dead letter ${code}`);
    return found;
  });
}
