/** The instance store in memory: each method is a file of its own. Nothing is durable. */
import type { EventMatcher, InstanceStore } from '../instance-store.ts';
import type { Retention } from '../maintenance.ts';
import { askChildren } from './books.ts';
import { claim, unclaim } from './claims.ts';
import { issueCommand } from './commands.ts';
import { correlate, startByEvents } from './correlate.ts';
import { saveDeadLetters } from './dead-letters.ts';
import { apply, load, loadScopes, release, start } from './instances.ts';
import { openAutomatedTasks } from './open-automated-tasks.ts';
import { advanceSchedule } from './schedules.ts';
import type { MemoryTables } from './tables.ts';
import { keepOutput, keptOutputs, removeOutputs } from './task-outputs.ts';
import { fireTimers } from './timers.ts';
import { deployTriggers, switchTriggers } from './triggers.ts';

export type MemoryStoreOptions = {
  /** How long an event that nobody waits for is kept. */
  readonly eventTtlMs: number;
  /** Largest state of an instance; default 4 MiB. */
  readonly stateBytesMax?: number;
  /** How long what has ended is kept; default: jobs for 30 days, instances for ever. */
  readonly retention?: Retention;
};

const STATE_BYTES_MAX = 4 * 1_048_576;

/** @param matcher decides `where` and makes the message of a match. */
export function createMemoryInstanceStore(
  tables: MemoryTables,
  matcher: EventMatcher,
  { eventTtlMs, stateBytesMax = STATE_BYTES_MAX }: MemoryStoreOptions,
): InstanceStore {
  const options = { matcher, stateBytesMax };
  return {
    start: async (starts) => start(tables, options, starts),
    load: async (_partition, wanted) => load(tables, wanted),
    loadScopes: async (_partition, instanceId, version, needed) => loadScopes(tables, instanceId, version, needed),
    apply: async (_partition, transitions) => apply(tables, options, transitions),
    release: async (_partition, tasks) => release(tables, tasks),
    now: async () => tables.now(),
    fireTimers: async (limit, encode, eventsReadUntil) => fireTimers(tables, limit, encode, eventsReadUntil),
    askChildren: async (limit, encode) => askChildren(tables, limit, encode),
    correlate: (events, using, starter) => correlate(tables, { ...options, eventTtlMs }, events, { matcher: using, starter }),
    startByEvents: (definitionId, events, starter) => startByEvents(tables, options, { definitionId, events, starter }),
    deployTriggers: async (triggers) => deployTriggers(tables, triggers),
    switchTriggers: async (change) => switchTriggers(tables, change),
    advanceSchedule: (runner, except) => advanceSchedule(tables, options, runner, except),
    issueCommand: async (command) => issueCommand(tables, command),
    commandResult: async (commandId) => tables.commands.get(commandId)?.result ?? null,
    async publish(messages) {
      tables.outbox.check(messages);
      tables.outbox.add(messages, tables.now());
    },
    claim: async (instanceId, path, assignee) => claim(tables, instanceId, path, assignee),
    unclaim: async (instanceId, path, assignee) => unclaim(tables, instanceId, path, assignee),
    saveDeadLetters: async (deadLetters) => saveDeadLetters(tables, deadLetters),
    openAutomatedTasks: async (partitions, dispatchedBefore, limits, after = null) =>
      openAutomatedTasks(tables, partitions, dispatchedBefore, limits, after),
    keepOutput: async (_partition, key, output) => keepOutput(tables, key, output),
    keptOutputs: async (_partition, keys) => keptOutputs(tables, keys),
    removeOutputs: async (_partition, keys) => removeOutputs(tables, keys),
    async registerEventTypes(types) {
      for (const type of types) tables.events.types.add(type);
    },
    eventTypes: async () => new Set(tables.events.types),
    async registerTopics(topics) {
      for (const topic of topics) tables.outbox.topics.add(topic);
    },
  };
}
