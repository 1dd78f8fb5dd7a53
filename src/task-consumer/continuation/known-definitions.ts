/**
 * The definitions that a worker may go on with: read from the compacted topic by a consumer group of this process's own, which begins
 * at the start of the topic and never commits. Bounded: what does not fit, or cannot be read, is not known, and the worker goes on with
 * nothing of it.
 */
import { LRUCache } from 'lru-cache';
import { createParsing, storedDefinitionLimits } from '../../core/definition/index.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { DefinitionId } from '../../core/ids.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { Log, LogConsumer, LogRecord } from '../../messaging/log.ts';
import { versionKeyOf } from '../../messaging/records/definition-version.ts';
import type { Logger } from '../../service/logging.ts';

/** Of documents. */
const KEPT_BYTES = 32 * 1_048_576;
const COMPILED_MAX = 200;

export type KnownDefinitionsOptions = {
  readonly codec: Codec;
  readonly log: Pick<Logger, 'warn'>;
};

export class KnownDefinitions {
  readonly #options: KnownDefinitionsOptions;
  readonly #documents = new LRUCache<string, string>({ maxSize: KEPT_BYTES, sizeCalculation: (text) => text.length + 64 });
  /** Those that one part was not enough for. */
  readonly #begun = new LRUCache<string, ReturnType<typeof createParsing>>({ max: COMPILED_MAX });
  /** `null`: this version of the engine cannot read it. */
  readonly #compiled = new LRUCache<string, { readonly definition: Definition | null }>({ max: COMPILED_MAX });

  constructor(options: KnownDefinitionsOptions) {
    this.#options = options;
  }

  /** The version, if it is known. Compiles it when it is first asked for; a large one a part at a time, and it is known after the last. */
  peek(id: DefinitionId, version: number): Definition | undefined {
    const key = versionKeyOf(id, version);
    const text = this.#documents.get(key);
    if (text === undefined) return undefined;
    let compiled = this.#compiled.get(key);
    if (compiled === undefined) {
      const definition = this.#compile(key, text, version);
      if (definition === undefined) return undefined;
      compiled = { definition };
      this.#compiled.set(key, compiled);
    }
    return compiled.definition ?? undefined;
  }

  /** @returns a consumer that is not started. */
  reader(log: Log, topic: string, groupId: string): LogConsumer {
    return log.consumer({
      groupId,
      topics: [topic],
      handlers: {
        onBatch: ({ records }) => {
          for (const record of records) void this.add(record);
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
  }

  async add({ value, topic, partition, offset }: LogRecord): Promise<void> {
    if (value === null) return;
    try {
      const decoded = await this.#options.codec.decode(value, ['DefinitionVersion']);
      if (!decoded.ok) return;
      const { definitionId, version, document } = decoded.value;
      this.#documents.set(versionKeyOf(definitionId, version), document);
    } catch (error) {
      this.#options.log.warn({ err: error, topic, partition, offset: String(offset) }, 'A definition could not be read');
    }
  }

  /** @returns undefined when there is more to do. */
  #compile(key: string, text: string, version: number): Definition | null | undefined {
    const parsed = this.#parse(key, text, version);
    if (parsed === null) return undefined;
    this.#begun.delete(key);
    if (parsed.ok) return parsed.value;
    this.#options.log.warn(
      { definition: key },
      'A definition cannot be compiled here; this worker does not go on with its tasks by itself',
    );
    return null;
  }

  #parse(key: string, text: string, version: number): ReturnType<ReturnType<typeof createParsing>> {
    const begun = this.#begun.get(key);
    if (begun !== undefined) return begun();
    const document = parseJsonStrict(text);
    if (!document.ok) return { ok: false, error: [] };
    const goOn = createParsing(document.value, { version, limits: storedDefinitionLimits, checksTypes: false });
    this.#begun.set(key, goOn);
    return goOn();
  }
}
