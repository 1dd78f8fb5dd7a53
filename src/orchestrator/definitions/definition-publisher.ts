/**
 * Tells workers of the versions that they may go on with: once in the life of a process, when the first instance of a version is moved
 * on. The topic is compacted, so however many processes tell it, it holds each version once. A worker that was not told goes on with
 * nothing, and nothing else comes of it; so nobody waits for this.
 */
import type { Definition } from '../../core/definition/types.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { LogProducer } from '../../messaging/log.ts';
import { toVersionRecord, versionKeyOf } from '../../messaging/records/definition-version.ts';
import type { Logger } from '../../service/logging.ts';

export type DefinitionPublisherOptions = {
  /** Prepared for DefinitionVersion on the topic. */
  readonly codec: Codec;
  readonly topic: string;
  readonly producer: Pick<LogProducer, 'send'>;
  readonly log: Pick<Logger, 'warn'>;
};

export class DefinitionPublisher {
  readonly #options: DefinitionPublisherOptions;
  readonly #told = new Set<string>();

  constructor(options: DefinitionPublisherOptions) {
    this.#options = options;
  }

  tell(definition: Definition): void {
    const key = versionKeyOf(definition.id, definition.version);
    if (!definition.continuation || this.#told.has(key)) return;
    this.#told.add(key);
    const { codec, topic, producer, log } = this.#options;
    const value = codec.encode('DefinitionVersion', topic, toVersionRecord(definition));
    producer.send([{ topic, key, value }]).catch((error: unknown) => {
      this.#told.delete(key);
      log.warn({ err: error, definitionId: definition.id, version: definition.version }, 'Workers could not be told of a definition');
    });
  }
}
