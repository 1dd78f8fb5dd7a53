/** `http`: a request that the built-in task-consumer sends. */
import { boundedPayload, UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { openAutomated } from '../common/automated/open.ts';
import { fireAutomated } from '../common/automated/timers.ts';
import { waitingForWorker } from '../common/automated/waiting-for.ts';
import { evaluateFor, type NodeBehaviour } from '../common/behaviour.ts';
import { encodeFields, withQuery } from './fields.ts';
import { checkPath } from './url.ts';

const FORM_TYPE = 'application/x-www-form-urlencoded';

export const http: NodeBehaviour<'http'> = {
  open: (opening) => {
    const request = requestOf(evaluateFor(opening, opening.node.request), opening.node.isUrlComposed);
    return openAutomated(opening, { task: null, queue: null }, boundedPayload(opening.view.limits, 'request', request));
  },
  fire: fireAutomated,
  waitingFor: waitingForWorker,
};

/** The request as the worker gets it: header values are strings, an absent body stays absent. */
function requestOf(value: Json, isUrlComposed: boolean): Json {
  if (!isJsonObject(value)) throw new UnfitValueError('The request is not an object.');
  const { method, url, query = {}, headers = {}, form, body, parse, numbers } = value;
  if (typeof method !== 'string') throw new UnfitValueError('`method` must be a string.');
  if (typeof url !== 'string') throw new UnfitValueError('`url` must be a string.');
  if (isUrlComposed) checkPath(url);
  const request: Record<string, Json> = {
    method: method.toUpperCase(),
    url: withQuery(url, encodeFields('query', query ?? {})),
    headers: headerStrings(headers ?? {}),
  };
  addBody(request, form, body);
  if (parse !== undefined) request.parse = parse;
  if (numbers !== undefined) request.numbers = numbers;
  return request;
}

function addBody(request: Record<string, Json>, form: Json | undefined, body: Json | undefined): void {
  const headers = request.headers as JsonObject;
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  if (form !== undefined) {
    request.body = encodeFields('form', form);
    if (type === undefined) request.headers = { ...headers, 'content-type': FORM_TYPE };
  } else if (typeof body === 'object' && body !== null && typeof type === 'string' && type.trim().toLowerCase().startsWith(FORM_TYPE))
    request.body = encodeFields('body', body);
  else if (body !== undefined) request.body = body;
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
