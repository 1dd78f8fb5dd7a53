/** Names of consumer groups and topics: an upgrade that changed one would begin again, or would lose what waits. */
import { expect, test } from 'vitest';
import { groupNames, topicNames } from './topics.ts';

test('an upgrade keeps the names of consumer groups, and with them their offsets', () => {
  const groups = groupNames('millrace');
  expect({
    http: groups.tasks(null),
    queue: groups.tasks('payments'),
    orchestrator: groups.orchestrator,
    events: groups.correlator(null),
    foreign: groups.correlator('shop.orders'),
    deadLetters: groups.deadLetters,
  }).toEqual({
    http: 'millrace.tasks',
    queue: 'millrace.tasks.payments',
    orchestrator: 'millrace.orchestrator',
    events: 'millrace.correlator',
    foreign: 'millrace.correlator.shop.orders',
    deadLetters: 'millrace.dead-letters',
  });
});

test('an upgrade keeps the names of topics', () => {
  const { tasks, connect, ...topics } = topicNames('millrace');
  expect([tasks(null), tasks('payments')]).toEqual(['millrace.tasks', 'millrace.tasks.payments']);
  expect(Object.values(connect)).toEqual(['millrace.connect.configs', 'millrace.connect.offsets', 'millrace.connect.status']);
  expect(topics).toEqual({
    notifications: 'millrace.notifications',
    events: 'millrace.events',
    lifecycle: 'millrace.lifecycle',
    deadLetters: 'millrace.dead-letters',
    probes: 'millrace.probes',
    heartbeat: '__debezium-heartbeat.millrace',
    definitions: 'millrace.definitions',
    queues: 'millrace.queues',
  });
});
