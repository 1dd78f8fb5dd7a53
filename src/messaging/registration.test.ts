import { expect, test } from 'vitest';
import { fullNames, recordNames, schemaTexts } from './generated/records.ts';
import { MemoryRegistry } from './memory/registry.ts';
import { recordsOnTopics, registerSchemas } from './registration.ts';

test('registers every record under its topic, fully compatible for ever, and finds it again', async () => {
  const registry = new MemoryRegistry();
  const records = recordsOnTopics('mill', ['mail', 'handlers']);
  const first = await registerSchemas(registry, records);
  expect(first.map(({ subject, status }) => `${subject} ${status}`)).toEqual([
    'mill.tasks-millrace.task.TaskScheduled registered',
    'mill.tasks.handlers-millrace.task.TaskScheduled registered',
    'mill.tasks.mail-millrace.task.TaskScheduled registered',
    'mill.notifications-millrace.notification.TaskOutcome registered',
    'mill.notifications-millrace.notification.CommandIssued registered',
    'mill.notifications-millrace.notification.TimerFired registered',
    'mill.notifications-millrace.notification.EventMatched registered',
    'mill.notifications-millrace.notification.ChildStart registered',
    'mill.notifications-millrace.notification.ChildWord registered',
    'mill.notifications-millrace.notification.ChildEnd registered',
    'mill.events-millrace.event.ExternalEvent registered',
    'mill.lifecycle-millrace.lifecycle.InstanceChanged registered',
    'mill.definitions-millrace.definition.DefinitionVersion registered',
    'mill.queues-millrace.queue.QueueState registered',
    'mill.dead-letters-millrace.deadletter.DeadLetter registered',
  ]);
  for (const { subject } of first) expect(await registry.compatibilityOf(subject)).toBe('FULL_TRANSITIVE');
  const second = await registerSchemas(registry, records);
  expect(second.map(({ id, status }) => [id, status])).toEqual(first.map(({ id }) => [id, 'present']));
  expect(registry.calls.register).toBe(first.length);
});

test('events are registered under the configured topics of `publish` too', () => {
  const more = recordsOnTopics('mill', [], ['orders', 'invoices']).filter(({ record }) => record === 'ExternalEvent');
  expect(more.map(({ topic }) => topic)).toEqual(['mill.events', 'orders', 'invoices']);
});

test('no record is forgotten', () => {
  expect(new Set(recordsOnTopics('mill').map(({ record }) => record))).toEqual(new Set(recordNames));
});

test('names in the code are those in the schemas', () => {
  for (const record of recordNames) {
    const { namespace, name } = JSON.parse(schemaTexts[record]) as { readonly namespace: string; readonly name: string };
    expect(fullNames[record]).toBe(`${namespace}.${name}`);
  }
});
