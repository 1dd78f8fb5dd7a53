import { describe, expect, it } from 'vitest';
import { createAdmissionControl, type OutboxSample } from './admission-control.ts';
import { Backlog, type Positions } from './backlog.ts';

const cameBack = { status: 'cameBack', roundTripSeconds: 0.1 } as const;
const sound: OutboxSample = { oldestAgeSeconds: 0.2, slotExists: true, confirmed: true, probe: cameBack };

function openControl(first: OutboxSample | Error) {
  const said: string[] = [];
  const world: { sample: OutboxSample | Error; monotonic: number; positions: Positions | Error; looks: number } = {
    ...{ sample: first, monotonic: 0, looks: 0 },
    positions: { end: 0n, dealtWith: 0n },
  };
  const admission = createAdmissionControl({
    readPositions: async () => {
      world.looks++;
      if (world.positions instanceof Error) throw world.positions;
      return world.positions;
    },
    backlog: new Backlog(() => world.monotonic),
    read: () => (world.sample instanceof Error ? Promise.reject(world.sample) : Promise.resolve(world.sample)),
    ageMaxMs: 30_000,
    log: { warn: (_: unknown, message: string) => said.push(message), info: (message: string) => said.push(message) } as never,
    monotonic: () => world.monotonic,
  });
  return { admission, world, said };
}

describe('Admission control', () => {
  it('refuses starts before its first sample', () => {
    expect(openControl(sound).admission.reasonToRefuse()).toContain('not known yet');
  });

  it('admits starts while messages are published', async () => {
    const { admission } = openControl(sound);
    await admission.sample();
    expect(admission.reasonToRefuse()).toBeNull();
  });

  it.each([
    [{ ...sound, slotExists: false }, 'slot is gone'],
    [{ ...sound, confirmed: false }, 'has not confirmed'],
    [{ ...sound, oldestAgeSeconds: 31 }, '31 s old'],
    [{ ...sound, probe: { status: 'waiting', waitingSeconds: 31, roundTripSeconds: 0.1 } }, '31 s ago has not come back from Kafka'],
    [{ ...sound, probe: { status: 'waiting', waitingSeconds: 1, roundTripSeconds: null } }, '1 s ago has not come back from Kafka'],
  ] as const)('refuses starts for %o', async (sample, reason) => {
    const { admission, world } = openControl(sample);
    await admission.sample();
    expect(admission.reasonToRefuse()).toContain(reason);
    world.sample = sound;
    await admission.sample();
    expect(admission.reasonToRefuse()).toBeNull();
  });

  it.each([{ status: 'unsent' }, { status: 'waiting', waitingSeconds: 29, roundTripSeconds: 0.1 }] as const)(
    'admits starts while the probe is %o',
    async (probe) => {
      const { admission } = openControl({ ...sound, probe });
      await admission.sample();
      expect(admission.reasonToRefuse()).toBeNull();
    },
  );

  it('outlives a gauge that does not answer for a moment, but not for long', async () => {
    const { admission, world } = openControl(sound);
    await admission.sample();
    world.sample = new Error('away');
    world.monotonic = 29_000;
    await admission.sample();
    expect(admission.reasonToRefuse()).toBeNull();
    world.monotonic = 31_000;
    await admission.sample();
    expect(admission.reasonToRefuse()).toContain('has not answered for a while');
  });

  it('knows the backlog: how long outbox rows wait, and how long orchestrators need', async () => {
    const { admission, world } = openControl(sound);
    expect(admission.backlogSeconds()).toBe(0);
    for (const dealtWith of [0n, 1_000n]) {
      world.positions = { end: 11_000n, dealtWith };
      await admission.sample();
      world.monotonic += 1_000;
      admission.backlogSeconds();
    }
    expect(admission.backlogSeconds()).toBeCloseTo(10.2);
    world.positions = new Error('Kafka is away');
    await admission.sample();
    expect(admission.backlogSeconds()).toBeCloseTo(10.2);
  });

  it('does not look at the orchestrators as long as nobody starts anything', async () => {
    const { admission, world } = openControl(sound);
    await admission.sample();
    expect(world.looks).toBe(0);
    admission.backlogSeconds();
    await admission.sample();
    await admission.sample();
    expect(world.looks).toBe(1);
  });

  it('says once that it closed, and once that it opened', async () => {
    const { admission, world, said } = openControl(sound);
    await admission.sample();
    world.sample = { ...sound, slotExists: false };
    await admission.sample();
    await admission.sample();
    world.sample = sound;
    await admission.sample();
    await admission.sample();
    expect(said).toEqual(['Starts are refused', 'Starts are accepted again']);
  });
});
