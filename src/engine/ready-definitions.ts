/** Definitions that are ready to be run: compiled, and with the schemas of their queues looked up, so that a step never waits. */
import type { Definition } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { DefinitionCache } from '../store/definition-cache.ts';
import { QueuePreparation } from './queue-preparation.ts';

export type ReadyDefinitions = {
  /** The version if it is ready, without waiting. */
  peek(id: DefinitionId, version: number): Definition | undefined;
  /**
   * Throws a retryable MillraceError while something that it needs is away or missing, and `MR_DEFINITION_UNREADABLE`
   * (not retryable) for one that this version of the engine refuses.
   */
  get(id: DefinitionId, version: number): Promise<Definition>;
  /** The same, but null for a version that was never deployed. */
  find(id: DefinitionId, version: number): Promise<Definition | null>;
};

export function createReadyDefinitions(cache: DefinitionCache, outgoing: Pick<OutgoingMessages, 'prepareQueues'>): ReadyDefinitions {
  const queues = new QueuePreparation(outgoing);
  async function find(id: DefinitionId, version: number): Promise<Definition | null> {
    const definition = await cache.get(id, version);
    if (definition !== null) await prepare(definition);
    return definition;
  }

  async function prepare(definition: Definition): Promise<void> {
    try {
      await queues.prepare(definition);
    } catch (error) {
      // Retryable: once somebody registers the schema, everything goes on.
      throw error instanceof MillraceError && !error.retryable ? retryable(error.code, error.message, error) : error;
    }
  }

  return {
    peek(id, version) {
      const definition = cache.peek(id, version);
      return definition !== undefined && queues.has(definition) ? definition : undefined;
    },
    async get(id, version) {
      const definition = await find(id, version);
      // The definition database is the wrong one, or was restored. That is no error of the instance, and waiting loses nothing.
      if (definition === null) throw retryable('MR_DEFINITION_MISSING', `The definition database has no version ${version} of ${id}.`);
      return definition;
    },
    find,
  };
}

/** The version, or the reason why this version of the engine cannot read it. Throws a retryable MillraceError as `get` does. */
export async function definitionOrReason(
  definitions: Pick<ReadyDefinitions, 'get'>,
  { definitionId, version }: { readonly definitionId: DefinitionId; readonly version: number },
): Promise<Definition | string> {
  try {
    return await definitions.get(definitionId, version);
  } catch (error) {
    if (error instanceof MillraceError && !error.retryable) return `${error.code}: ${error.message}`;
    throw error;
  }
}

function retryable(code: ErrorCode, message: string, cause?: unknown): MillraceError {
  return new MillraceError(code, message, { retryable: true, cause });
}
