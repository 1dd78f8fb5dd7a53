/**
 * Registers the schemas: one subject for each topic and record in it (TopicRecordNameStrategy), each FULL_TRANSITIVE. `millrace
 * schemas register` does it, and a deploy with a new queue, one subject after the other. Registries handle the same registration
 * from several processes at once badly, so no process registers at its start.
 */
import { type RecordOnTopic, subjectOf } from './codec.ts';
import { schemaTexts } from './generated/records.ts';
import type { Registry } from './registry.ts';
import { defaultQueue, topicNames } from './topics.ts';

const compatibility = 'FULL_TRANSITIVE';

/** Notifications that leave through the outbox. */
export const sentNotifications = ['CommandIssued', 'TimerFired', 'EventMatched', 'ChildStart', 'ChildWord', 'ChildEnd'] as const;

/** Every record of every topic of this installation, and of the topics that `publish` may name. */
export function recordsOnTopics(prefix: string, queues: readonly string[] = [], publishTopics: readonly string[] = []): RecordOnTopic[] {
  const names = topicNames(prefix);
  const tasks = [null, ...new Set([defaultQueue, ...queues])].flatMap((queue) => recordsOfQueue(prefix, queue));
  return [
    ...tasks,
    { topic: names.notifications, record: 'TaskOutcome' },
    ...sentNotifications.map((record) => ({ topic: names.notifications, record })),
    ...[names.events, ...publishTopics].map((topic) => ({ topic, record: 'ExternalEvent' as const })),
    { topic: names.lifecycle, record: 'InstanceChanged' },
    { topic: names.definitions, record: 'DefinitionVersion' },
    { topic: names.queues, record: 'QueueState' },
    { topic: names.deadLetters, record: 'DeadLetter' },
  ];
}

/** The records of a queue's topic; null is the topic of `http` tasks. */
export function recordsOfQueue(prefix: string, queue: string | null): RecordOnTopic[] {
  return [{ topic: topicNames(prefix).tasks(queue), record: 'TaskScheduled' }];
}

export type Registration = RecordOnTopic & { readonly subject: string; readonly id: number; readonly status: 'registered' | 'present' };

/**
 * Registers what is missing; safe to repeat. Throws `MR_SCHEMA_INCOMPATIBLE` (not retryable) when the registry holds a version
 * with which ours is not compatible, and a retryable `MillraceError` while it is unavailable.
 */
export async function registerSchemas(registry: Registry, records: readonly RecordOnTopic[]): Promise<Registration[]> {
  const registrations: Registration[] = [];
  for (const each of records) {
    const subject = subjectOf(each);
    const text = schemaTexts[each.record];
    const present = await registry.idOf(subject, text);
    const id = present ?? (await registry.register(subject, text));
    // After the first version, since some registries have no subject before it, and before any second one.
    if ((await registry.compatibilityOf(subject)) !== compatibility) await registry.setCompatibility(subject, compatibility);
    registrations.push({ ...each, subject, id, status: present === null ? 'registered' : 'present' });
  }
  return registrations;
}
