/**
 * Starts an instance for a caller who waits for the answer: decides the start, makes its messages, and writes both. What starts
 * instances in a transaction of its own, a trigger or a parent, decides by `decideStart` and writes itself. A start with an
 * idempotency key that was used before starts nothing and gives the first instance, even if the definition would refuse it by now.
 */
import { assertNever } from '../../core/assert.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import type { RunLimits } from '../../core/instance/index.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { InstanceQueries } from '../../store/instance-queries.ts';
import type { Start, StartResult } from '../../store/instance-store.ts';
import { LoopTurns } from '../../store/loop-turns.ts';
import { QueuePreparation } from '../queue-preparation.ts';
import { decideStartInParts, inputErrorsInParts, type StartRefused, type WantedStart } from './decide-start.ts';

export type StartRequest = Omit<WantedStart, 'instanceId' | 'child'> & {
  readonly definition: Definition;
  readonly idempotency: Start['idempotency'];
};

export type StartOutcome =
  /** `repeated`: the key was used within 24 h with the same body, and this is what it started. */
  | { readonly kind: 'started' | 'repeated'; readonly instanceId: InstanceId; readonly version: number }
  /** The key was used with another body. */
  | { readonly kind: 'keyReused' }
  | StartRefused;

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

/** Throws a MillraceError when something that is needed is away, or the database refuses this very start. */
export type StartInstance = (request: StartRequest) => Promise<StartOutcome>;

export function createStartInstance(dependencies: StartDependencies): StartInstance {
  const queues = new QueuePreparation(dependencies.outgoing);

  return async (request) => {
    const { definition, idempotency, ...wanted } = request;
    await queues.prepare(definition);
    // Checking a large input, the first step and writing it take a tenth of a second each: each has a turn of its own then.
    const turns = new LoopTurns();
    const errors = await inTurns(inputErrorsInParts(definition, wanted.input));
    if (turns.isOver) await turns.take();
    const decided = await inTurns(decideStartInParts(dependencies, definition, wanted, null, errors));
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

/** A version that was deployed since the first start may refuse this input; a repeat gets the first answer all the same. */
async function earlierStart({ queries }: StartDependencies, { definition, idempotency }: StartRequest): Promise<StartOutcome | null> {
  const earlier = idempotency === null ? null : await queries.startByKey(definition.id, idempotency.key);
  if (earlier === null) return null;
  if (earlier.bodyHash !== idempotency?.bodyHash) return { kind: 'keyReused' };
  return { kind: 'repeated', instanceId: earlier.instanceId, version: earlier.definitionVersion };
}
