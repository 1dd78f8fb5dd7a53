/** Definitions with triggers on a store, as a deploy and a correlator put them together. */
import type { Definition } from '../../src/core/definition/types.ts';
import type { ExternalEvent } from '../../src/core/external-event.ts';
import type { EpochMs } from '../../src/core/ids.ts';
import type { Effect } from '../../src/core/instance/outgoing/effects.ts';
import type { InstanceState } from '../../src/core/instance/state/state.ts';
import { defaultRunLimits } from '../../src/core/instance/view.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { deployedTriggers } from '../../src/engine/trigger/deployed-triggers.ts';
import { createEventStarter } from '../../src/engine/trigger/event-starter.ts';
import { createScheduleRunner } from '../../src/engine/trigger/schedule-runner.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import type { Correlated, EventStarter, ScheduleRunner } from '../../src/store/instance-store.ts';
import type { FailedStart } from '../../src/store/triggers.ts';
import { definitionOf } from './scenario.ts';
import { matcher, message, messagesOf, PARTITIONS, type StoreLab, topics } from './store-lab.ts';

let made = 0;

export class TriggerLab {
  readonly lab: StoreLab;
  readonly #versions = new Map<string, Definition>();
  readonly starter: EventStarter;
  readonly runner: ScheduleRunner;
  /** What schedules take for the time; null: the store's. */
  clock: EpochMs | null = null;

  constructor(lab: StoreLab) {
    this.lab = lab;
    const find = (id: string, version: number) => this.#versions.get(`${id}@${version}`);
    const dependencies = {
      definitions: {
        peek: find,
        async get(id: string, version: number) {
          const found = find(id, version);
          if (found === undefined) throw new Error(`no version ${version} of ${id}`);
          return found;
        },
        find: async (id: string, version: number) => find(id, version) ?? null,
      },
      outgoing: {
        ofEffects: ({ instanceId }: InstanceState, effects: readonly Effect[]) => messagesOf(instanceId, effects),
        partitionOf: (id: string) => partitionOf(id, PARTITIONS),
      },
      now: () => Date.now(),
      limits: defaultRunLimits,
    };
    const { prepare } = createEventStarter(dependencies);
    const runner = createScheduleRunner(dependencies);
    this.runner = {
      prepare: async (row) => {
        const decide = await runner.prepare(row);
        return (seen) => decide({ ...seen, now: this.clock ?? seen.now });
      },
    };
    this.starter = { prepare, deadLetter };
  }

  /** A version that is there, and whose triggers are not. */
  compiled(document: JsonObject, version = 1): Definition {
    const definition = definitionOf({ id: `triggered-${process.pid}-${++made}`, ...document }, version);
    this.#versions.set(`${definition.id}@${version}`, definition);
    return definition;
  }

  async deploy(document: JsonObject, version = 1): Promise<Definition> {
    const definition = this.compiled(document, version);
    await this.write(definition);
    return definition;
  }

  async write(definition: Definition): Promise<void> {
    const triggers = deployedTriggers(definition, definition.version);
    await this.lab.store.registerEventTypes(triggers.eventTypes);
    await this.lab.store.deployTriggers(triggers);
  }

  correlate(...events: readonly ExternalEvent[]): Promise<Correlated> {
    return this.lab.store.correlate(events, matcher, this.starter);
  }

  /** Instances of the definition, the oldest first. */
  async instancesOf({ id }: Definition) {
    const { items } = await this.lab.queries.list({ definition: id }, 100, null);
    return items.toReversed();
  }
}

function deadLetter({ definitionId, event, reason }: FailedStart) {
  return message('DeadLetter', topics.lifecycle, definitionId, { eventId: event.id, reason });
}
