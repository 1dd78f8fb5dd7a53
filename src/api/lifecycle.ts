/**
 * Reads the lifecycle topic to wake requests that wait for an instance; of each record it reads only the key, the instance
 * id. Each process has its own consumer group, begins at the end of the topic and never commits: no request waits for
 * older records.
 */
import type { Log, LogConsumer } from '../messaging/log.ts';
import { instanceIdOfChange } from '../messaging/records/instance-changed.ts';
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
        for (const { key } of records) if (key !== null) watch.changed(instanceIdOfChange(key));
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
}
