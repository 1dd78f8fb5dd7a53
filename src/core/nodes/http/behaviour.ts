/** `http`: a request that the built-in task-consumer sends. */
import { decodeBase64 } from '../../base64.ts';
import { boundedPayload, evaluateWithSecrets, UnfitValueError, type WithSecrets } from '../../instance/expressions/evaluate.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { SecretUse } from '../../secrets.ts';
import { openAutomated } from '../common/automated/open.ts';
import { fireAutomated } from '../common/automated/timers.ts';
import { waitingForWorker } from '../common/automated/waiting-for.ts';
import type { NodeBehaviour } from '../common/behaviour.ts';
import { encodeFields, withQuery } from './fields.ts';
import { BYTES_EXPECTED } from './request-rules.ts';
import { checkPath } from './url.ts';

const FORM_TYPE = 'application/x-www-form-urlencoded';

export const http: NodeBehaviour<'http'> = {
  open: (opening) => {
    const { view, scope, node } = opening;
    const request = requestOf(evaluateWithSecrets(view, scope, node.request), node.isUrlComposed);
    boundedPayload(view.limits, 'request', request.value);
    return openAutomated(opening, { task: null, queue: null }, request);
  },
  fire: fireAutomated,
  waitingFor: waitingForWorker,
};

/** The request as the worker gets it: header values are strings, an absent body stays absent. */
function requestOf({ value, secrets }: WithSecrets, isUrlComposed: boolean): WithSecrets {
  if (!isJsonObject(value)) throw new UnfitValueError('The request is not an object.');
  const { method, url, query = {}, headers = {}, form, body, bodyEncoding, parse, numbers } = value;
  if (typeof method !== 'string') throw new UnfitValueError('`method` must be a string.');
  if (typeof url !== 'string') throw new UnfitValueError('`url` must be a string.');
  if (isUrlComposed) checkPath(url);
  const address = withQuery(url, encodeFields('query', query ?? {}, secrets));
  const request: Record<string, Json> = {
    method: method.toUpperCase(),
    url: address.text,
    headers: headerStrings(headers ?? {}),
  };
  const inBody = bodyEncoding === undefined ? addBody(request, form, body, secrets) : addBytes(request, body, bodyEncoding, secrets);
  if (parse !== undefined) request.parse = parse;
  if (numbers !== undefined) request.numbers = numbers;
  const inUrl = [...secretsInUrl(secrets, address.text !== url), ...address.secrets.map((use) => ({ ...use, pointer: '/url' }))];
  const inHeaders = secrets.filter(({ pointer }) => pointer.startsWith('/headers/'));
  return { value: request, secrets: [...inUrl, ...inHeaders, ...inBody] };
}

/** @param isContinued by the query: a secret that is the whole url begins a longer one then. */
function secretsInUrl(secrets: readonly SecretUse[], isContinued: boolean): readonly SecretUse[] {
  const inUrl = secrets.filter(({ pointer }) => pointer === '/url');
  return isContinued ? inUrl.map((use) => (use.encoding === 'none' ? { ...use, encoding: 'base' } : use)) : inUrl;
}

/** @returns the secrets in it. */
function addBody(
  request: Record<string, Json>,
  form: Json | undefined,
  body: Json | undefined,
  secrets: readonly SecretUse[],
): readonly SecretUse[] {
  const encodedBody = (field: 'form' | 'body', value: Json): readonly SecretUse[] => {
    const encoded = encodeFields(field, value, secrets);
    request.body = encoded.text;
    return encoded.secrets.map((use) => ({ ...use, pointer: '/body' }));
  };
  const headers = request.headers as JsonObject;
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  if (form !== undefined) {
    if (type === undefined) request.headers = { ...headers, 'content-type': FORM_TYPE };
    return encodedBody('form', form);
  }
  if (typeof body === 'object' && body !== null && typeof type === 'string' && type.trim().toLowerCase().startsWith(FORM_TYPE))
    return encodedBody('body', body);
  if (body === undefined) return [];
  request.body = body;
  return secrets.filter(({ pointer }) => pointer === '/body' || pointer.startsWith('/body/'));
}

/** A body that holds a secret is read by the worker alone. */
function addBytes(
  request: Record<string, Json>,
  body: Json | undefined,
  bodyEncoding: Json,
  secrets: readonly SecretUse[],
): readonly SecretUse[] {
  const inBody = secrets.filter(({ pointer }) => pointer === '/body');
  if (inBody.length === 0 && (typeof body !== 'string' || decodeBase64(body) === undefined))
    throw new UnfitValueError(`\`body\` must be ${BYTES_EXPECTED}.`);
  request.body = body ?? null;
  request.bodyEncoding = bodyEncoding;
  return inBody;
}

function headerStrings(headers: Json): JsonObject {
  if (!isJsonObject(headers)) throw new UnfitValueError('`headers` must be an object.');
  const strings: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) continue;
    if (typeof value === 'object') throw new UnfitValueError(`The header ${name} must be a string, a number or a boolean.`);
    strings.push([name, String(value)]);
  }
  return Object.fromEntries(strings);
}
