/**
 * The schema registry by its Confluent-compatible REST API: the five calls that we need. It is a client of our own, because a
 * codec must never mistake an outage for an unknown schema (the usual client reports both as status 400 or 404), nor compile a
 * schema before its size is known. Retries a few times; callers decide about the rest.
 */
import { ExponentialBackoff, handleType, retry } from 'cockatiel';
import { MillraceError } from '../core/error.ts';
import { reasonOfNoAnswer } from '../core/no-answer.ts';
import { schemaTextBytesMax } from './avro.ts';

export type RegistryOptions = {
  /** Up to and without the last slash, e.g. `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** For one call; default 10 000. */
  readonly timeoutMs?: number;
};

export type WriterSchema =
  /** `references` are the schemas that it refers to, each after those that it refers to itself. */
  | { readonly kind: 'avro'; readonly text: string; readonly references?: readonly string[] }
  /** A schema that is not Avro, or too large. */
  | { readonly kind: 'unusable'; readonly reason: string };

/**
 * Every call rejects with a retryable `MillraceError` `MR_REGISTRY_UNAVAILABLE` while the registry is unavailable or answers with
 * an error.
 */
export interface Registry {
  /** @returns null when the registry says that it does not know the id. */
  schemaById(id: number): Promise<WriterSchema | null>;
  /** @returns the id of exactly this schema under the subject, or null. */
  idOf(subject: string, schemaText: string): Promise<number | null>;
  /** Registers, or finds, the schema. Rejects with `MR_SCHEMA_INCOMPATIBLE` (not retryable) when the registry refuses it. */
  register(subject: string, schemaText: string): Promise<number>;
  /** The subject's own compatibility level, or null when it has none. */
  compatibilityOf(subject: string): Promise<string | null>;
  setCompatibility(subject: string, level: string): Promise<void>;
}

type Answer = { readonly status: number; readonly body: unknown };

/** The registry's codes for something that does not exist. A wrong address answers 404 without such a code. */
const subjectUnknown = 40401;
const versionUnknown = 40402;
const schemaUnknown = 40403;
const configUnknown = 40408;

export function connectRegistry(options: RegistryOptions): Registry {
  const base = options.url.replace(/\/+$/, '');
  const timeoutMs = options.timeoutMs ?? 10_000;
  const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json' };
  if (options.username !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${options.username}:${options.password ?? ''}`).toString('base64')}`;
  }
  const policy = retry(
    handleType(MillraceError, (error) => error.retryable),
    { maxAttempts: 2, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 500 }) },
  );

  const call = async (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answer> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${path}`, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: body === undefined ? null : JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      throw unavailable(`The schema registry at ${base} does not answer: ${reasonOfNoAnswer(cause)}`, cause);
    }
    // Refused credentials, an answer of a proxy or an error of the registry: none of them means that a schema is unknown.
    const parsed = parseBody(text);
    if (response.ok && parsed !== undefined) return { status: response.status, body: parsed };
    if ([404, 409, 422].includes(response.status) && errorCodeOf(parsed) !== null) return { status: response.status, body: parsed };
    throw unavailable(`The schema registry at ${base} answered ${method} ${path} with status ${response.status}`);
  };
  const ask = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answer> =>
    policy.execute(() => call(method, path, body));
  /** null when the answer is one of these codes; the body of a success otherwise. */
  const bodyUnless = (answer: Answer, path: string, codes: readonly number[]): unknown => {
    if (answer.status < 300) return answer.body;
    if (codes.includes(errorCodeOf(answer.body) ?? 0)) return null;
    throw unavailable(`The schema registry at ${base} answered ${path} with error ${errorCodeOf(answer.body)}`);
  };

  /** Referenced schemas never change, so each is requested once. */
  const referencedBy: FindReference = async ({ subject, version }) => {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
    return bodyUnless(await ask('GET', path), path, [subjectUnknown, versionUnknown, schemaUnknown]);
  };

  return {
    schemaById: async (id) => {
      const path = `/schemas/ids/${id}`;
      const body = bodyUnless(await ask('GET', path), path, [schemaUnknown]);
      return body === null ? null : await writerSchemaOf(id, body, referencedBy);
    },
    idOf: async (subject, schemaText) => {
      const path = `/subjects/${encodeURIComponent(subject)}`;
      const body = bodyUnless(await ask('POST', path, { schema: schemaText }), path, [subjectUnknown, versionUnknown, schemaUnknown]);
      return body === null ? null : idIn(body, path);
    },
    register: async (subject, schemaText) => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      const answer = await ask('POST', path, { schema: schemaText });
      if (answer.status === 409 || answer.status === 422) {
        throw new MillraceError('MR_SCHEMA_INCOMPATIBLE', `The registry refuses the schema for ${subject}: ${messageOf(answer.body)}`, {
          retryable: false,
        });
      }
      return idIn(bodyUnless(answer, path, []), path);
    },
    compatibilityOf: async (subject) => {
      const path = `/config/${encodeURIComponent(subject)}`;
      const body = bodyUnless(await ask('GET', path), path, [subjectUnknown, configUnknown]);
      const level = member(body, 'compatibilityLevel') ?? member(body, 'compatibility');
      return typeof level === 'string' ? level : null;
    },
    setCompatibility: async (subject, level) => {
      const path = `/config/${encodeURIComponent(subject)}`;
      bodyUnless(await ask('PUT', path, { compatibility: level }), path, []);
    },
  };
}

function unavailable(message: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_REGISTRY_UNAVAILABLE', `${message}.`, { retryable: true, cause });
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function member(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Object.getOwnPropertyDescriptor(body, name)?.value : undefined;
}

function errorCodeOf(body: unknown): number | null {
  const code = member(body, 'error_code');
  return typeof code === 'number' ? code : null;
}

function messageOf(body: unknown): string {
  return String(member(body, 'message') ?? 'no reason given').slice(0, 1_000);
}

function idIn(body: unknown, path: string): number {
  const id = member(body, 'id');
  if (typeof id === 'number') return id;
  throw unavailable(`The schema registry answered ${path} without an id`);
}

type Reference = { readonly subject: string; readonly version: number };
/** @returns the answer of the registry, or null when the schema is not there. */
type FindReference = (reference: Reference) => Promise<unknown>;

const referencesMax = 100;

async function writerSchemaOf(id: number, body: unknown, find: FindReference): Promise<WriterSchema> {
  const type = member(body, 'schemaType') ?? 'AVRO';
  const text = member(body, 'schema');
  if (typeof text !== 'string') throw unavailable(`The schema registry answered schema ${id} without a schema`);
  if (type !== 'AVRO') return { kind: 'unusable', reason: `schema ${id} is ${String(type)}, not Avro` };
  const references = new Map<string, string>();
  const unusable = (reason: string): WriterSchema => ({ kind: 'unusable', reason });
  const missing = await gather(body, find, references, new Set());
  if (missing !== null) return unusable(`schema ${id} refers to ${missing}`);
  const bytes = [text, ...references.values()].reduce((sum, each) => sum + Buffer.byteLength(each), 0);
  if (bytes > schemaTextBytesMax) return unusable(`schema ${id} is larger than ${schemaTextBytesMax} bytes`);
  return references.size === 0 ? { kind: 'avro', text } : { kind: 'avro', text, references: [...references.values()] };
}

/** Adds the schemas that a schema refers to, depth first. @returns a reference that cannot be followed, or null. */
async function gather(body: unknown, find: FindReference, into: Map<string, string>, under: Set<string>): Promise<string | null> {
  const references: unknown = member(body, 'references');
  if (!Array.isArray(references)) return null;
  for (const each of references as readonly unknown[]) {
    const subject = member(each, 'subject');
    const version = member(each, 'version');
    if (typeof subject !== 'string' || typeof version !== 'number') return 'a schema without subject and version';
    const key = `${version} ${subject}`;
    // A schema that refers to itself is among them already.
    if (into.has(key) || under.has(key)) continue;
    if (under.size >= referencesMax || into.size >= referencesMax) return `more than ${referencesMax} schemas`;
    under.add(key);
    const found = await find({ subject, version });
    const text = member(found, 'schema');
    if (typeof text !== 'string') return 'a schema that the registry does not have';
    const missing = await gather(found, find, into, under);
    if (missing !== null) return missing;
    into.set(key, text);
  }
  return null;
}
