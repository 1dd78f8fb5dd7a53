/** What every store of probes must do: one probe is on its way at a time, and only the last one counts when it comes back. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { OutboxGauge, OutboxProbes } from '../../src/store/maintenance.ts';

export type ProbesUnderTest = {
  readonly probes: OutboxProbes;
  readonly gauge: OutboxGauge;
  readonly topic: string;
  /** What was written to the outbox, oldest first. */
  sent(): Promise<readonly { readonly key: string; readonly payload: string }[]>;
  /** As it is installed. */
  clear(): Promise<void>;
};

const atOnce = { intervalMs: 0, patienceMs: 0 };
const never = { intervalMs: 3_600_000, patienceMs: 3_600_000 };

export function testOutboxProbes(open: () => Promise<ProbesUnderTest>): void {
  describe('Probes', () => {
    let given: ProbesUnderTest;
    beforeEach(async () => {
      given = await open();
      await given.clear();
    });
    const state = async () => (await given.gauge.read()).probe;

    it('are unsent at first, then wait, and have a round trip once they came back', async () => {
      expect(await state()).toEqual({ status: 'unsent' });
      await given.probes.send(given.topic, never);
      expect(await state()).toMatchObject({ status: 'waiting', roundTripSeconds: null });
      const [probe] = await given.sent();
      expect(probe?.payload).toBe(probe?.key);
      await given.probes.cameBack(probe?.key ?? '');
      expect(await state()).toEqual({ status: 'cameBack', roundTripSeconds: expect.any(Number) });
    });

    it('are sent once in an interval, whoever asks', async () => {
      await Promise.all(Array.from({ length: 5 }, () => given.probes.send(given.topic, never)));
      expect(await given.sent()).toHaveLength(1);
    });

    it('follow one that is lost after the patience, and wait since the first', async () => {
      await given.probes.send(given.topic, never);
      await given.probes.send(given.topic, { ...never, intervalMs: 0 });
      expect(await given.sent()).toHaveLength(1);
      await given.probes.send(given.topic, { ...never, patienceMs: 0 });
      const [lost, second] = await given.sent();
      await given.probes.cameBack(lost?.key ?? '');
      expect(await state()).toMatchObject({ status: 'waiting' });
      await given.probes.cameBack(second?.key ?? '');
      expect(await state()).toMatchObject({ status: 'cameBack' });
    });

    it('that come back twice change nothing the second time', async () => {
      await given.probes.send(given.topic, atOnce);
      const [probe] = await given.sent();
      await given.probes.cameBack(probe?.key ?? '');
      const first = await state();
      await given.probes.cameBack(probe?.key ?? '');
      expect(await state()).toEqual(first);
    });

    it('say whether the one that came back is the last', async () => {
      expect(await given.probes.cameBack('019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11')).toBe(false);
      await given.probes.send(given.topic, atOnce);
      const [probe] = await given.sent();
      expect(await given.probes.cameBack('019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11')).toBe(false);
      expect(await given.probes.cameBack(probe?.key ?? '')).toBe(true);
      expect(await given.probes.cameBack(probe?.key ?? '')).toBe(true);
    });

    it('to a topic that the outbox does not know are refused, and none waits', async () => {
      await expect(given.probes.send('unknown', atOnce)).rejects.toMatchObject({ code: 'MR_OUTBOX_TOPIC_UNKNOWN' });
      expect(await state()).toEqual({ status: 'unsent' });
    });
  });
}
