/**
 * Registers our schemas: one subject for each topic and record that may stand in it (TopicRecordNameStrategy), each FULL_TRANSITIVE.
 * Run by `millrace schemas register` and by a deploy that brings a new queue, one subject after the other: registries
 * answer badly to the same registration from several processes at once, so no process registers when it starts.
 */
import { type RecordOnTopic, subjectOf } from './codec.ts';
import { schemaTexts } from './generated/records.ts';
import type { Registry } from './registry.ts';
import { defaultQueue, topicNames } from './topics.ts';

const compatibility = 'FULL_TRANSITIVE';

/** Every record that may stand in a topic of this installation, or in one that `publish` may name. */
export function recordsOnTopics(prefix: string, queues: readonly string[] = [], publishTopics: readonly string[] = []): RecordOnTopic[] {
  const names = topicNames(prefix);
  const tasks = [null, ...new Set([defaultQueue, ...queues])].flatMap((queue) => recordsOfQueue(prefix, queue));
  return [
    ...tasks,
    { topic: names.notifications, record: 'TaskOutcome' },
    { topic: names.notifications, record: 'CommandIssued' },
    { topic: names.notifications, record: 'TimerFired' },
    { topic: names.notifications, record: 'EventMatched' },
    ...[names.events, ...publishTopics].map((topic) => ({ topic, record: 'ExternalEvent' as const })),
    { topic: names.lifecycle, record: 'InstanceChanged' },
    { topic: names.deadLetters, record: 'DeadLetter' },
  ];
}

/** What a queue's topic carries; null is the topic of `http` tasks. */
export function recordsOfQueue(prefix: string, queue: string | null): RecordOnTopic[] {
  return [{ topic: topicNames(prefix).tasks(queue), record: 'TaskScheduled' }];
}

export type Registration = RecordOnTopic & { readonly subject: string; readonly id: number; readonly status: 'registered' | 'present' };

/**
 * Registers what is missing; safe to repeat. Throws `MR_SCHEMA_INCOMPATIBLE` (not retryable) when the registry holds a
 * version with which ours does not go together, and a retryable `MillraceError` when it is away.
 */
export async function registerSchemas(registry: Registry, records: readonly RecordOnTopic[]): Promise<Registration[]> {
  const registrations: Registration[] = [];
  for (const each of records) {
    const subject = subjectOf(each);
    const text = schemaTexts[each.record];
    const present = await registry.idOf(subject, text);
    const id = present ?? (await registry.register(subject, text));
    // After the first version, since some registries know no subject before it; before any second one.
    if ((await registry.compatibilityOf(subject)) !== compatibility) await registry.setCompatibility(subject, compatibility);
    registrations.push({ ...each, subject, id, status: present === null ? 'registered' : 'present' });
  }
  return registrations;
}
