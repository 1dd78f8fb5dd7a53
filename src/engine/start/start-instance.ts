/**
 * Starts an instance: decides the start, makes its messages, and writes both. Every start of an instance goes through this
 * function. A start with an idempotency key that was used before starts nothing and gives the first instance, even if the
 * definition would refuse it by now.
 */
import { uuidv7 } from 'uuidv7';
import { assertNever } from '../../core/assert.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import { type RunLimits, start } from '../../core/instance/index.ts';
import type { TaskError } from '../../core/instance/state/state.ts';
import type { Json } from '../../core/json.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceQueries } from '../../store/instance-queries.ts';
import type { Start, StartResult } from '../../store/instance-store.ts';
import { QueuePreparation } from '../queue-preparation.ts';
import { transitionOf } from '../transition.ts';

export type StartRequest = {
  readonly definition: Definition;
  /** Within the limit of payloads. */
  readonly input: Json;
  readonly businessKey: string | null;
  readonly by: string;
  /** What history names as the cause: `rest:<request id>`. */
  readonly cause: string;
  readonly idempotency: Start['idempotency'];
};

export type StartOutcome =
  /** `repeated`: the key was used within 24 h with the same body, and this is what it started. */
  | { readonly kind: 'started' | 'repeated'; readonly instanceId: InstanceId; readonly version: number }
  /** The key was used with another body. */
  | { readonly kind: 'keyReused' }
  | StartRefused;

export type StartRefused =
  | { readonly kind: 'inputInvalid'; readonly errors: readonly { readonly pointer: string; readonly message: string }[] }
  /** The definition's `vars` or `timeout` cannot be evaluated for this input. */
  | { readonly kind: 'refused'; readonly error: TaskError };

export type StartDependencies = {
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects' | 'partitionOf' | 'prepareQueues'>;
  /** Resolves after the commit. */
  readonly write: (start: Start) => Promise<StartResult>;
  readonly queries: Pick<InstanceQueries, 'startByKey'>;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
  readonly limits: RunLimits;
  /** As in `ProcessingDependencies`. */
  readonly continuation?: boolean;
};

/** What is needed to decide a start, and not to write it. */
export type DecidingDependencies = Pick<StartDependencies, 'now' | 'limits' | 'continuation'> & {
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects' | 'partitionOf'>;
};

/** Throws a MillraceError when something that is needed is away, or the database refuses this very start. */
export type StartInstance = (request: StartRequest) => Promise<StartOutcome>;

export function createStartInstance(dependencies: StartDependencies): StartInstance {
  const queues = new QueuePreparation(dependencies.outgoing);

  return async (request) => {
    const { definition, idempotency } = request;
    await queues.prepare(definition);
    const decided = decideStart(dependencies, request);
    if (!('start' in decided)) return (await earlierStart(dependencies, request)) ?? decided;
    const result = await dependencies.write({ transition: decided.start, idempotency });
    switch (result.kind) {
      case 'started':
        return { kind: 'started', instanceId: decided.start.instanceId, version: definition.version };
      case 'repeated':
        return { kind: 'repeated', instanceId: result.instanceId, version: result.definitionVersion };
      case 'keyReused':
        return result;
      case 'present':
      case 'gone':
        throw new Error('Bug: an instance without a parent is no child');
      case 'failed':
        throw result.error;
      default:
        return assertNever(result);
    }
  };
}

/** Decides a start without writing it: a trigger writes it in the transaction that consumes its event or time. */
export function decideStart(
  { outgoing, now, limits, continuation = false }: DecidingDependencies,
  { definition, input, businessKey, by, cause }: Omit<StartRequest, 'idempotency'>,
): { readonly start: Start['transition'] } | StartRefused {
  const errors = definition.input?.compiled.validate(input) ?? [];
  if (errors.length > 0) return { kind: 'inputInvalid', errors };
  // UUIDv7 in lower case. The partition and the payload depend on it.
  const instanceId = uuidv7() as InstanceId;
  const started = start(definition, { instanceId, input, businessKey, by, cause }, now(), limits);
  if (!started.ok) return { kind: 'refused', error: started.error.error };
  const continued = continuation && definition.continuation ? definition : undefined;
  return { start: transitionOf(outgoing, outgoing.partitionOf(instanceId), null, started.value, { continued }) };
}

/** A version that was deployed since the first start may refuse this input; a repeat gets the first answer all the same. */
async function earlierStart({ queries }: StartDependencies, { definition, idempotency }: StartRequest): Promise<StartOutcome | null> {
  const earlier = idempotency === null ? null : await queries.startByKey(definition.id, idempotency.key);
  if (earlier === null) return null;
  if (earlier.bodyHash !== idempotency?.bodyHash) return { kind: 'keyReused' };
  return { kind: 'repeated', instanceId: earlier.instanceId, version: earlier.definitionVersion };
}

/** The reason in one line, for triggers, which have no caller that waits for an answer. */
export function refusalText(refused: StartRefused): string {
  if (refused.kind === 'refused') return `${refused.error.code}: ${refused.error.message}`;
  const errors = refused.errors.map(({ pointer, message }) => `${pointer === '' ? 'the input' : pointer}: ${message}`);
  return `MR_INPUT_INVALID: the input does not fit the schema of the definition: ${errors.slice(0, 5).join('; ')}`;
}
