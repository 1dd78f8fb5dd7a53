/** What the routes need. `main.ts` connects the real systems; tests pass their own. */
import type { ParseOptions } from '../core/definition/index.ts';
import type { Definition, DefinitionError } from '../core/definition/types.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import type { Result } from '../core/result.ts';
import type { OutgoingRecord } from '../messaging/log.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { DefinitionCache } from '../store/definition-cache.ts';
import type { DefinitionStore } from '../store/definition-store.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { InstanceStore } from '../store/instance-store.ts';
import type { JobStore } from '../store/jobs.ts';
import type { QueueStore } from '../store/queues.ts';
import type { MarksOfVersions } from '../store/version-marks.ts';
import type { InstanceWatch } from './instance-watch.ts';

/** Admission control of starts: none is accepted while nothing is published. */
export interface AdmissionControl {
  /** null: starts are accepted; else the reason for a person. Reads no database. */
  reasonToRefuse(): string | null;
  /** How long what was accepted needs to get through outbox and orchestrators, as far as it is known. */
  backlogSeconds(): number;
}

export type ApiPorts = {
  readonly definitions: Pick<DefinitionStore, 'callers' | 'deploy' | 'get' | 'latestVersion' | 'list' | 'versions' | 'findApiKey'>;
  readonly cache: DefinitionCache & MarksOfVersions;
  readonly instances: Pick<
    InstanceStore,
    | 'start'
    | 'issueCommand'
    | 'commandResult'
    | 'publish'
    | 'claim'
    | 'unclaim'
    | 'registerEventTypes'
    | 'deployTriggers'
    | 'switchTriggers'
    | 'keepOutput'
  >;
  readonly queries: Omit<InstanceQueries, 'fullHistory' | 'instanceIds' | 'books'>;
  readonly jobs: Omit<JobStore, 'advance'>;
  readonly queues: QueueStore;
  readonly outgoing: OutgoingMessages;
  readonly admission: AdmissionControl;
  readonly watch: InstanceWatch;
  /** true: the lifecycle topic is read, so changes wake the requests that wait. */
  readonly wakes: () => boolean;
  readonly parseDefinition: (
    document: Json,
    options: Pick<ParseOptions, 'version' | 'children'>,
  ) => Promise<Result<Definition, readonly DefinitionError[]>>;
  /** Creates the topics and subjects of queues that do not exist yet. */
  readonly ensureQueues: (queues: readonly string[]) => Promise<void>;
  /** Sends to Kafka directly; used for replays only. */
  readonly produce: (record: OutgoingRecord) => Promise<void>;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
  readonly sha256: (text: string) => string;
};
