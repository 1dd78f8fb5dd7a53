/** The instance store on Postgres: each method is a file of its own. */
import type { InstanceId } from '../../core/ids.ts';
import { gatherCalls } from '../gathered-calls.ts';
import type { EventMatcher, InstanceStore, StoredInstance, Transition, WantedInstance } from '../instance-store.ts';
import { askChildren } from './ask-children.ts';
import { commandResult, issueCommand } from './commands.ts';
import { translating } from './connection/errors.ts';
import type { Pool } from './connection/pools.ts';
import { saveDeadLetters } from './dead-letters.ts';
import { correlate } from './events/correlate.ts';
import { eventTypes, registerEventTypes } from './events/event-types.ts';
import { defaultOfferLimits, type OfferLimits } from './events/offers.ts';
import { claim, unclaim } from './human-tasks/claims.ts';
import { type Applied, apply, locksNoEventKeys } from './instances/apply.ts';
import { load, loadScopes } from './instances/load.ts';
import { release } from './instances/release.ts';
import { start } from './instances/start.ts';
import { openAutomatedTasks } from './open-automated-tasks.ts';
import { publish, registerTopics } from './outbox/messages.ts';
import { databaseNow } from './sql/times.ts';
import { keepOutput, keptOutputs, removeOutputs } from './task-outputs.ts';
import { fireTimers } from './timers.ts';
import { advanceSchedule } from './triggers/advance-schedule.ts';
import { deployTriggers } from './triggers/deploy-triggers.ts';
import { switchTriggers } from './triggers/pause-triggers.ts';
import { startByEvents } from './triggers/start-by-events.ts';

export type InstanceStoreOptions = {
  /** How long an event that nobody waits for is kept. */
  readonly eventTtlMs: number;
  /** Largest state of an instance; default 4 MiB. A larger one is refused (`MR_STATE_TOO_LARGE`). */
  readonly stateBytesMax?: number;
  /** How much of the offering of events to waits is done in one transaction. */
  readonly offerLimits?: OfferLimits;
};

const STATE_BYTES_MAX = 4 * 1_048_576;

/** @param matcher decides `where` and makes the message of a match, within the transaction that holds the event's locks. */
export function createInstanceStore(
  pool: Pool,
  matcher: EventMatcher,
  { eventTtlMs, stateBytesMax = STATE_BYTES_MAX, offerLimits = defaultOfferLimits }: InstanceStoreOptions,
): InstanceStore {
  const options = { matcher, stateBytesMax, offerLimits };
  const loadGathered = gatherCalls<WantedInstance, ReadonlyMap<InstanceId, StoredInstance>, InstanceId>({
    run: (wanted) => load(pool, wanted),
    idOf: ({ instanceId }) => instanceId,
    isGathered: () => true,
    partOf: (loaded, ids) => new Map([...loaded].filter(([id]) => ids.has(id))),
  });
  const applyGathered = gatherCalls<Transition, Applied, InstanceId>({
    run: (transitions) => apply(pool, options, transitions),
    idOf: ({ instanceId }) => instanceId,
    isGathered: locksNoEventKeys,
    partOf: ({ applied, now }, ids) => ({ applied: new Set([...ids].filter((id) => applied.has(id))), now }),
  });
  return {
    start: (starts) => start(pool, options, starts),
    load: (_partition, wanted) => loadGathered(wanted),
    loadScopes: (_partition, instanceId, version, needed) => loadScopes(pool, instanceId, version, needed),
    apply: (_partition, transitions) => applyGathered(transitions),
    release: (_partition, tasks) => release(pool, tasks),
    now: () => translating(() => databaseNow(pool)),
    fireTimers: (limit, encode, eventsReadUntil) => fireTimers(pool, limit, encode, eventsReadUntil),
    askChildren: (limit, encode) => askChildren(pool, limit, encode),
    correlate: (events, using, starter) => correlate(pool, { ...options, matcher: using, eventTtlMs, starter }, events),
    startByEvents: (definitionId, events, starter) => startByEvents(pool, options, { definitionId, events, starter }),
    deployTriggers: (triggers) => deployTriggers(pool, triggers),
    switchTriggers: (change) => switchTriggers(pool, change),
    advanceSchedule: (runner, except) => advanceSchedule(pool, options, runner, except),
    issueCommand: (command) => issueCommand(pool, command),
    commandResult: (commandId) => commandResult(pool, commandId),
    publish: (messages) => publish(pool, messages),
    claim: (instanceId, path, assignee) => claim(pool, instanceId, path, assignee),
    unclaim: (instanceId, path, assignee) => unclaim(pool, instanceId, path, assignee),
    saveDeadLetters: (deadLetters) => saveDeadLetters(pool, deadLetters),
    openAutomatedTasks: (partitions, dispatchedBefore, limits, after = null) =>
      openAutomatedTasks(pool, partitions, dispatchedBefore, limits, after),
    keepOutput: (_partition, key, output) => keepOutput(pool, key, output),
    keptOutputs: (_partition, keys) => keptOutputs(pool, keys),
    removeOutputs: (_partition, keys) => removeOutputs(pool, keys),
    registerEventTypes: (types) => registerEventTypes(pool, types),
    eventTypes: () => eventTypes(pool),
    registerTopics: (topics) => registerTopics(pool, topics),
  };
}
