import { describe, expect, it } from 'vitest';
import { createStartGate, type OutboxSample } from './start-gate.ts';

const sound: OutboxSample = { oldestAgeSeconds: 0.2, slotExists: true, confirmed: true };

function openGate(first: OutboxSample | Error) {
  const said: string[] = [];
  const world = { sample: first, monotonic: 0 };
  const gate = createStartGate({
    read: () => (world.sample instanceof Error ? Promise.reject(world.sample) : Promise.resolve(world.sample)),
    ageMaxMs: 30_000,
    log: { warn: (_: unknown, message: string) => said.push(message), info: (message: string) => said.push(message) } as never,
    monotonic: () => world.monotonic,
  });
  return { gate, world, said };
}

describe('The start gate', () => {
  it('is closed before its first sample', () => {
    expect(openGate(sound).gate.reasonToRefuse()).toContain('not known yet');
  });

  it('is open while messages are published', async () => {
    const { gate } = openGate(sound);
    await gate.sample();
    expect(gate.reasonToRefuse()).toBeNull();
  });

  it.each([
    [{ ...sound, slotExists: false }, 'slot is gone'],
    [{ ...sound, confirmed: false }, 'has not confirmed'],
    [{ ...sound, oldestAgeSeconds: 31 }, '31 s old'],
  ])('is closed for %o', async (sample, reason) => {
    const { gate, world } = openGate(sample);
    await gate.sample();
    expect(gate.reasonToRefuse()).toContain(reason);
    world.sample = sound;
    await gate.sample();
    expect(gate.reasonToRefuse()).toBeNull();
  });

  it('outlives a gauge that does not answer for a moment, but not for long', async () => {
    const { gate, world } = openGate(sound);
    await gate.sample();
    world.sample = new Error('away');
    world.monotonic = 29_000;
    await gate.sample();
    expect(gate.reasonToRefuse()).toBeNull();
    world.monotonic = 31_000;
    await gate.sample();
    expect(gate.reasonToRefuse()).toContain('has not said for a while');
  });

  it('says once that it closed, and once that it opened', async () => {
    const { gate, world, said } = openGate(sound);
    await gate.sample();
    world.sample = { ...sound, slotExists: false };
    await gate.sample();
    await gate.sample();
    world.sample = sound;
    await gate.sample();
    await gate.sample();
    expect(said).toEqual(['Starts are refused', 'Starts are taken again']);
  });
});
