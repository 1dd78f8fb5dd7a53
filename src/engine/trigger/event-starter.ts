/**
 * Starts instances on events, for the store, which calls it within the transaction that takes the event in: the definitions
 * that it needs are loaded first, and each decision is pure. At most one start of an event and a definition: its key.
 */
import { hash } from 'node:crypto';
import { assertNever } from '../../core/assert.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { ExternalEvent } from '../../core/external-event.ts';
import { startByEvent } from '../../core/triggers/event-start.ts';
import type { DecideEventStart, EventStart, EventStarter } from '../../store/instance-store.ts';
import { eventKeyPrefix, type TriggerSet } from '../../store/triggers.ts';
import { definitionOrReason, type ReadyDefinitions } from '../ready-definitions.ts';
import { type DecidingDependencies, decideStartInParts, refusalText } from '../start/decide-start.ts';

export type EventStarterDependencies = DecidingDependencies & { readonly definitions: ReadyDefinitions };

export function createEventStarter(dependencies: EventStarterDependencies): Pick<EventStarter, 'prepare'> {
  return {
    async prepare(sets) {
      const ready = new Map<TriggerSet, Definition | string>();
      for (const set of sets) ready.set(set, await definitionOrReason(dependencies.definitions, set));
      return decideWith(dependencies, (set) => ready.get(set) ?? 'its definition was not loaded');
    },
  };
}

function decideWith(dependencies: EventStarterDependencies, of: (set: TriggerSet) => Definition | string): DecideEventStart {
  return function* (set, event) {
    const { now, limits } = dependencies;
    const definition = of(set);
    if (typeof definition === 'string') return { kind: 'failed', reason: definition };
    const verdict = yield* startByEvent(definition, set.paused, event, now(), limits);
    switch (verdict.kind) {
      case 'nothing':
        return null;
      case 'failed':
        return failed(verdict.trigger, `${verdict.error.code}: ${verdict.error.message}`);
      case 'start': {
        const { trigger, input, businessKey } = verdict;
        const by = `trigger:${trigger}`;
        const cause = `event:${event.source}/${event.id}`;
        const decided = yield* decideStartInParts(dependencies, definition, { input, businessKey, by, cause });
        if (!('start' in decided)) return failed(trigger, refusalText(decided));
        return { kind: 'start', start: { transition: decided.start, idempotency: { key: eventKey(event), bodyHash: '' } } };
      }
      default:
        return assertNever(verdict);
    }
  };
}

function failed(trigger: string, why: string): EventStart {
  return { kind: 'failed', reason: `trigger ${trigger}: ${why}` };
}

/** Source and id may be long, and the key is indexed. */
function eventKey({ source, id }: ExternalEvent): string {
  return eventKeyPrefix + hash('sha256', JSON.stringify([source, id]), 'hex');
}
