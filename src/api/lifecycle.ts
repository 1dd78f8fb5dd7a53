/**
 * Reads the lifecycle topic only to wake whoever waits: of each record nothing but the key, which is the instance. In a
 * group of this process's own, from the end of the topic, never committing: what it missed was waited for by nobody.
 */
import type { Log, LogConsumer } from '../messaging/log.ts';
import type { InstanceWatch } from './instance-watch.ts';

export type LifecycleOptions = { readonly log: Log; readonly topic: string; readonly groupId: string; readonly watch: InstanceWatch };

export function createLifecycleReader({ log, topic, groupId, watch }: LifecycleOptions): LogConsumer {
  return log.consumer({
    groupId,
    topics: [topic],
    from: 'latest',
    handlers: {
      onBatch({ records }) {
        if (watch.waiting === 0) return;
        for (const { key } of records) if (key !== null) watch.changed(key.toString('latin1'));
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
}
