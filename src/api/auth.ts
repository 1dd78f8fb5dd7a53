/**
 * Who may do what. A request carries an API key; keys are stored as SHA-256. The database's answer for a key is kept for
 * some seconds, so that a check costs one hash; a revoked key stops working within that time.
 */
import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { ApiKey, ApiKeyRole, DefinitionStore } from '../store/definition-store.ts';
import { ApiProblem } from './problem.ts';

/** What a key must allow. Docs: docs/rest.md, "Roles". */
export type Permission = 'read' | 'start' | 'actOnTasks' | 'control' | 'sendEvents' | 'deadLetters' | 'deploy' | 'runTasks';

export const permissionsOf: { readonly [Role in ApiKeyRole]: readonly Permission[] } = {
  viewer: ['read'],
  user: ['read', 'start', 'actOnTasks'],
  operator: ['read', 'start', 'actOnTasks', 'control', 'sendEvents', 'deadLetters'],
  admin: ['read', 'start', 'actOnTasks', 'control', 'sendEvents', 'deadLetters', 'deploy'],
  // What it reads is never masked, so no key of people may have it.
  worker: ['runTasks'],
};

/** With the pause between two checks of a live stream less than the ten seconds that are promised. */
const KNOWN_MS = 8_000;
/** Shorter, because a key that was just created must work soon. */
const UNKNOWN_MS = 1_000;
const TOKEN = /^[!-~]{16,512}$/;

export type Authenticate = (authorization: string | undefined) => Promise<ApiKey> | ApiKey;

export function createAuthenticator(definitions: Pick<DefinitionStore, 'findApiKey'>): Authenticate {
  const known = new LRUCache<string, { readonly key: ApiKey | null }>({
    max: 10_000,
    ttl: KNOWN_MS,
    ignoreFetchAbort: true,
    fetchMethod: async (digest, _stale, { options }) => {
      const key = await definitions.findApiKey(Buffer.from(digest, 'hex'));
      if (key === null) options.ttl = UNKNOWN_MS;
      return { key };
    },
  });
  const validated = ({ key }: { readonly key: ApiKey | null }): ApiKey => key ?? refuse('The API key is not valid.');

  return (authorization) => {
    if (authorization === undefined) return refuse('Send an API key: `Authorization: Bearer <api key>`.');
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (token === undefined || !TOKEN.test(token)) return refuse('The header must read `Authorization: Bearer <api key>`.');
    const digest = digestOf(token);
    const found = known.get(digest);
    return found === undefined ? known.forceFetch(digest).then(validated) : validated(found);
  };
}

export function digestOf(token: string): string {
  return hash('sha256', token, 'hex');
}

function refuse(detail: string): never {
  throw new ApiProblem('MR_UNAUTHENTICATED', detail, { headers: { 'www-authenticate': 'Bearer realm="millrace"' } });
}

export function assertPermitted(key: ApiKey, permission: Permission): void {
  if (permissionsOf[key.role].includes(permission)) return;
  throw new ApiProblem('MR_FORBIDDEN', `The role ${key.role} of the API key does not allow this.`);
}

const keys = new WeakMap<FastifyRequest, ApiKey>();

export function rememberKey(request: FastifyRequest, key: ApiKey): void {
  keys.set(request, key);
}

/** The key of a request of `/v1`. */
export function keyOf(request: FastifyRequest): ApiKey {
  const key = keys.get(request);
  if (key === undefined) throw new Error('Bug: a route asked for the key of a request that needs none');
  return key;
}

/** The actor: the subject of the key, or the person for whom an admin key acts. */
export function actorOf(key: ApiKey, assignee: string | undefined): string {
  if (assignee === undefined || assignee === key.subject) return key.subject;
  if (key.role === 'admin') return assignee;
  throw new ApiProblem('MR_FORBIDDEN', 'Only an admin key may act for somebody else.', {
    errors: [{ pointer: '/assignee', message: 'Leave it out: the actor is the subject of the key.' }],
  });
}
