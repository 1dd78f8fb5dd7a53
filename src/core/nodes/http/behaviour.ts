/** `http`: a request that the built-in task-consumer sends. */
import { boundedPayload, UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { openAutomated } from '../common/automated/open.ts';
import { fireAutomated } from '../common/automated/timers.ts';
import { evaluateFor, type NodeBehaviour } from '../common/behaviour.ts';

export const http: NodeBehaviour<'http'> = {
  open: (opening) => {
    const request = requestOf(boundedPayload(opening.view.limits, 'request', evaluateFor(opening, opening.node.request)));
    return openAutomated(opening, { task: null, queue: null }, request);
  },
  fire: fireAutomated,
};

/** The request as the worker gets it: header values are strings, an absent body stays absent. */
function requestOf(value: Json): Json {
  if (!isJsonObject(value)) throw new UnfitValueError('The request is not an object.');
  const { method, url, headers, body, parse, numbers } = value;
  if (typeof method !== 'string') throw new UnfitValueError('`method` must be a string.');
  if (typeof url !== 'string') throw new UnfitValueError('`url` must be a string.');
  const request: Record<string, Json> = { method: method.toUpperCase(), url, headers: headerStrings(headers ?? {}) };
  if (body !== undefined) request.body = body;
  if (parse !== undefined) request.parse = parse;
  if (numbers !== undefined) request.numbers = numbers;
  return request;
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
