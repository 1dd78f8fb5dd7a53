import { expect, it } from 'vitest';
import { memoryStore } from '../../../test/support/memory-store.ts';
import { eventOf, matcher, newDefinition, openLab } from '../../../test/support/store-lab.ts';

it('leaves nothing of an event whose message could never be published', async () => {
  const lab = await openLab(memoryStore(matcher));
  await lab.store.registerEventTypes(['large']);
  const id = await lab.start(newDefinition({ nodes: { hear: { type: 'event', event: 'large', key: 'k' } }, edges: [] }));
  const event = eventOf('large', 'k', 'x'.repeat(2_000_000));
  await expect(lab.store.correlate([event], matcher)).rejects.toMatchObject({ code: 'MR_MESSAGE_TOO_LARGE', retryable: false });
  expect(await lab.matchesOf(id)).toEqual([]);
  expect(await lab.store.correlate([{ ...event, data: 'small' }], matcher)).toMatchObject({ matched: 1, duplicates: 0 });
});
