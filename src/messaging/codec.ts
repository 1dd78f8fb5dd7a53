/**
 * Encodes records and decodes bytes: the registry's wire format (a zero byte, the schema's id in four bytes, Avro). Writers'
 * schemas come from the registry once and are kept, with one resolver each, so that old readers can read new writers. Invalid
 * bytes are a value; a registry that does not answer is a thrown `RegistryUnavailable`. Never registers anything.
 */
import type { Type } from 'avsc';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../core/error.ts';
import type { Json } from '../core/json.ts';
import { avroTypeOf } from './avro.ts';
import { UnsafeNumber } from './avro-bytes.ts';
import type { DeadLetterCode, InvalidMessage } from './dead-letter-codes.ts';
import { compileForeignAvro, type ForeignReader, foreignNameOf } from './foreign-avro.ts';
import { fullNames, type RecordName, type Records, schemaTexts } from './generated/records.ts';
import type { Registry } from './registry.ts';
import { frameBytes, readFrameHead, writeFrameHead } from './wire-format.ts';

/** Header with the record's name, in every record that Millrace produces. */
export const messageTypeHeader = 'messageType';

export type Decoded<Name extends RecordName> = {
  [N in Name]: { readonly ok: true; readonly record: N; readonly value: Records[N] };
}[Name];

export type UndecodableError = 'notFramed' | 'unknownSchemaId' | 'wrongRecord' | 'malformed' | 'unsafeNumber';
export type Undecodable = { readonly ok: false; readonly error: UndecodableError; readonly reason: string };

const codes = {
  notFramed: 'MR_NOT_FRAMED',
  unknownSchemaId: 'MR_SCHEMA_UNKNOWN',
  wrongRecord: 'MR_SCHEMA_MISMATCH',
  malformed: 'MR_SCHEMA_MISMATCH',
  unsafeNumber: 'MR_NUMBER_UNSAFE',
} as const satisfies Record<UndecodableError, DeadLetterCode>;

/** Bytes that could not be decoded, as an invalid message. */
export function invalidMessageOf({ error, reason }: Undecodable): InvalidMessage {
  return { code: codes[error], reason };
}

export type RecordOnTopic = { readonly topic: string; readonly record: RecordName };

export interface Codec {
  /**
   * Looks up the ids of the schemas that will be written; must have resolved before `encode` of them. Safe to repeat.
   * Throws `MR_SCHEMA_NOT_REGISTERED` (not retryable) or a retryable `RegistryUnavailable`.
   */
  prepare(records: readonly RecordOnTopic[]): Promise<void>;
  /** The framed bytes of a record for this topic. Throws when `prepare` did not name it, or on a value of the wrong shape: bugs. */
  encode<Name extends RecordName>(record: Name, topic: string, value: Records[Name]): Buffer;
  /**
   * Reads a framed record that must be one of `expected`. Answers at once if the writer's schema is known, otherwise after a
   * request to the registry; rejects with a retryable `RegistryUnavailable`.
   */
  decode<Name extends RecordName>(
    bytes: Buffer,
    expected: readonly Name[],
  ): Decoded<Name> | Undecodable | Promise<Decoded<Name> | Undecodable>;
  /** Reads a framed record of any schema (an outside producer's) as JSON; see foreign-avro.ts. Rejects like `decode`. */
  decodeForeign(bytes: Buffer): Promise<{ readonly ok: true; readonly value: Json; readonly fullName: string } | Undecodable>;
}

/** Largest number of writers' schemas in memory; far more than a registry has for these topics. */
const WRITERS_KEPT = 10_000;

export type CodecOptions = {
  readonly registry: Registry;
  /** How long an unknown id is not requested again; default 30 000. */
  readonly unknownIdMs?: number;
  /** A clock in ms that never goes back; for tests. */
  readonly now?: () => number;
};

/** Subject of a record on a topic: TopicRecordNameStrategy. */
export function subjectOf({ topic, record }: RecordOnTopic): string {
  return `${topic}-${fullNames[record]}`;
}

type Resolver = ReturnType<Type['createResolver']>;

/** A writer's schema: a reader for each record that it can be. */
type Writer =
  | {
      readonly kind: 'usable';
      readonly fullName: string;
      readonly schema: unknown;
      readonly foreign: ForeignReader;
      readonly resolvers: Map<RecordName, Resolver | null>;
    }
  | { readonly kind: 'unusable'; readonly undecodable: Undecodable };

export function createCodec(options: CodecOptions): Codec {
  const { registry } = options;
  const unknownIdMs = options.unknownIdMs ?? 30_000;
  const now = options.now ?? (() => performance.now());
  const types = new Map<RecordName, Type>();
  const recordByFullName = new Map<string, RecordName>();
  for (const [record, fullName] of Object.entries(fullNames) as [RecordName, string][]) {
    types.set(record, avroTypeOf(JSON.parse(schemaTexts[record])));
    recordByFullName.set(fullName, record);
  }
  const typeOf = (record: RecordName): Type => {
    const type = types.get(record);
    if (type === undefined) throw new Error(`Bug: there is no record ${record}`);
    return type;
  };
  /** Ids under which we write, by subject. */
  const ids = new Map<string, number>();
  const writers = new LRUCache<number, Writer>({
    max: WRITERS_KEPT,
    perf: { now },
    ttlResolution: 0,
    ignoreFetchAbort: true,
    fetchMethod: async (id, _stale, { options: entry }) => {
      const found = await registry.schemaById(id);
      if (found === null) {
        entry.ttl = unknownIdMs;
        return unknownId(id);
      }
      return found.kind === 'avro' ? writerOf(id, found.text, found.references ?? []) : unusable('wrongRecord', found.reason);
    },
  });
  // One record at a time is encoded, so all share the space; it grows to the largest.
  let scratch = Buffer.allocUnsafe(65_536);

  const prepare = async (records: readonly RecordOnTopic[]): Promise<void> => {
    await Promise.all(
      records.map(async (each) => {
        const subject = subjectOf(each);
        if (ids.has(subject)) return;
        const id = await registry.idOf(subject, schemaTexts[each.record]);
        if (id === null) {
          const message = `The registry has no schema of this version under the subject ${subject}: run "millrace schemas register".`;
          throw new MillraceError('MR_SCHEMA_NOT_REGISTERED', message, { retryable: false });
        }
        ids.set(subject, id);
      }),
    );
  };

  const encode: Codec['encode'] = (record, topic, value) => {
    const id = ids.get(subjectOf({ topic, record }));
    if (id === undefined) throw new Error(`Bug: the codec was not prepared for ${record} on ${topic}`);
    const type = typeOf(record);
    // When the space is too small, avsc returns minus the number of missing bytes.
    let end = type.encode(value, scratch, frameBytes);
    if (end < 0) {
      scratch = Buffer.allocUnsafe((scratch.length - end) * 2);
      end = type.encode(value, scratch, frameBytes);
    }
    writeFrameHead(scratch, id);
    return Buffer.from(scratch.subarray(0, end));
  };

  const writerOf = (id: number, text: string, references: readonly string[]): Writer => {
    try {
      const schema: unknown = JSON.parse(text);
      const foreign = compileForeignAvro(
        schema,
        references.map((each): unknown => JSON.parse(each)),
      );
      return { kind: 'usable', fullName: foreignNameOf(schema), schema, foreign, resolvers: new Map() };
    } catch (error) {
      return unusable('malformed', `schema ${id} cannot be compiled: ${describe(error)}`);
    }
  };

  /** The writer of framed bytes, at once when it is known. */
  const findWriter = (bytes: Buffer): Writer | Promise<Writer> => {
    const id = readFrameHead(bytes);
    if (id === null) return unusable('notFramed', `${bytes.length} bytes that do not begin with a zero byte and a schema id`);
    return writers.get(id) ?? writers.forceFetch(id);
  };

  const resolverOf = (writer: Writer & { kind: 'usable' }, record: RecordName): Resolver | null => {
    const known = writer.resolvers.get(record);
    if (known !== undefined) return known;
    const made = makeResolver(typeOf(record), writer.schema);
    writer.resolvers.set(record, made);
    return made;
  };

  const read = <Name extends RecordName>(writer: Writer, bytes: Buffer, expected: readonly Name[]): Decoded<Name> | Undecodable => {
    if (writer.kind === 'unusable') return writer.undecodable;
    const { fullName } = writer;
    const record = expected.find((name) => recordByFullName.get(fullName) === name);
    if (record === undefined)
      return undecodable('wrongRecord', `${fullName}, where ${expected.map((name) => fullNames[name]).join(' or ')} was expected`);
    const resolver = resolverOf(writer, record);
    if (resolver === null) return undecodable('wrongRecord', `${fullName} in a version that cannot be read as ours`);
    try {
      const value: unknown = typeOf(record).fromBuffer(bytes.subarray(frameBytes), resolver);
      // A value that was read by our schema has our generated type, which the compiler cannot infer from the name.
      return { ok: true, record, value } as Decoded<Name>;
    } catch (error) {
      return undecodable('malformed', `bytes that are no ${fullName}: ${describe(error)}`);
    }
  };

  return {
    prepare,
    encode,
    decode: (bytes, expected) => {
      const writer = findWriter(bytes);
      return writer instanceof Promise ? writer.then((found) => read(found, bytes, expected)) : read(writer, bytes, expected);
    },
    decodeForeign: async (bytes) => {
      const writer = await findWriter(bytes);
      if (writer.kind === 'unusable') return writer.undecodable;
      try {
        return { ok: true, value: writer.foreign(bytes.subarray(frameBytes)), fullName: writer.fullName };
      } catch (error) {
        return undecodable(error instanceof UnsafeNumber ? 'unsafeNumber' : 'malformed', describe(error));
      }
    },
  };
}

function makeResolver(reader: Type, writerSchema: unknown): Resolver | null {
  try {
    return reader.createResolver(avroTypeOf(writerSchema));
  } catch {
    // avsc throws when the two do not fit.
    return null;
  }
}

function undecodable(error: UndecodableError, reason: string): Undecodable {
  return { ok: false, error, reason };
}

function unusable(error: UndecodableError, reason: string): Writer {
  return { kind: 'unusable', undecodable: undecodable(error, reason) };
}

function unknownId(id: number): Writer {
  return unusable('unknownSchemaId', `the registry does not know the schema id ${id}`);
}

/** avsc's messages quote what it was reading, so they are cut, and never hold data of a record. */
function describe(error: unknown): string {
  return error instanceof Error ? error.message.replace(/[^\x20-\x7e]/g, '?').slice(0, 200) : 'unreadable';
}
