/** Definitions that are ready to be run: compiled, and with the schemas of their queues looked up, so that a step never waits. */
import { definitionQueues } from '../core/definition/requirements.ts';
import type { Definition } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { DefinitionCache } from '../store/definition-cache.ts';

export type ReadyDefinitions = {
  /** The version if it is ready, without waiting. */
  peek(id: DefinitionId, version: number): Definition | undefined;
  /**
   * Throws a retryable MillraceError while something that it needs is away or missing, and `MR_DEFINITION_UNREADABLE`
   * (not retryable) for one that this version of the engine refuses.
   */
  get(id: DefinitionId, version: number): Promise<Definition>;
};

export function createReadyDefinitions(cache: DefinitionCache, outgoing: Pick<OutgoingMessages, 'prepareQueues'>): ReadyDefinitions {
  const ready = new WeakSet<Definition>();
  return {
    peek(id, version) {
      const definition = cache.peek(id, version);
      return definition !== undefined && ready.has(definition) ? definition : undefined;
    },
    async get(id, version) {
      const definition = await cache.get(id, version);
      // Not the instance's fault, but a definition database that is the wrong one, or was put back: nothing is lost by waiting.
      if (definition === null) throw waitFor('MR_DEFINITION_MISSING', `The definition database has no version ${version} of ${id}.`);
      if (!ready.has(definition)) {
        await prepareQueues(definition);
        ready.add(definition);
      }
      return definition;
    },
  };

  async function prepareQueues(definition: Definition): Promise<void> {
    try {
      await outgoing.prepareQueues(definitionQueues(definition));
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retryable) throw error;
      // Registering mends it, and everything goes on.
      throw waitFor(error.code, error.message, error);
    }
  }
}

function waitFor(code: string, message: string, cause?: unknown): MillraceError {
  return new MillraceError(code, message, { retryable: true, cause });
}
