/** What the routes stand on. `main.ts` wires the real ones; tests give their own. */
import type { Definition, DefinitionFault } from '../core/definition/types.ts';
import type { DefinitionId, EpochMs } from '../core/ids.ts';
import type { CommandIssued } from '../core/instance/notification.ts';
import type { StepResult } from '../core/instance/step.ts';
import type { Json } from '../core/json.ts';
import type { Result } from '../core/result.ts';
import type { OutgoingRecord } from '../messaging/log.ts';
import type { DefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { IncomingEvent, InstanceStore, OutboxMessage } from '../store/instance-store.ts';
import type { InstanceWatch } from './instance-watch.ts';

/** Makes the rows of the outbox. */
export interface Outgoing {
  /** Schemas of the queues that the version uses are known afterwards; cheap when they are. */
  prepare(definition: Definition): Promise<void>;
  partitionOf(instanceId: string): number;
  start(definition: Definition, step: StepResult): readonly OutboxMessage[];
  command(instanceId: string, issued: CommandIssued, at: EpochMs): OutboxMessage;
  event(event: IncomingEvent): OutboxMessage;
}

/** Whether starts are taken: not while nothing is published. */
export interface StartGate {
  /** null: open; else why not, for a person. Answers at once. */
  reasonToRefuse(): string | null;
}

export type ApiPorts = {
  readonly definitions: DefinitionStore;
  readonly cache: DefinitionCache;
  readonly instances: InstanceStore;
  readonly queries: InstanceQueries;
  readonly outgoing: Outgoing;
  readonly gate: StartGate;
  readonly watch: InstanceWatch;
  readonly parseDefinition: (document: Json, options: { readonly version: number }) => Result<Definition, readonly DefinitionFault[]>;
  /** Topics and subjects of queues are there afterwards. */
  readonly ensureQueues: (queues: readonly string[]) => Promise<void>;
  /** Sends to Kafka directly; used for replays only. */
  readonly produce: (record: OutgoingRecord) => Promise<void>;
  /** The instance database's clock, kept in step. */
  readonly now: () => EpochMs;
  readonly sha256: (text: string) => string;
};

export type { DefinitionId };
