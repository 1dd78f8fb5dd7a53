/** `task` and `http`: work that leaves the core, with its time limits and retries. */

import { isJsonObject } from '../../json.ts';
import { pointerTo, shown } from '../faults.ts';
import type { Fields } from '../fields.ts';
import { canBeHeader, httpMethods, methodsWithoutBody } from '../http-rules.ts';
import type { DurationSetting, HttpNode, RetryPolicy, TaskNode } from '../types.ts';
import { type NodeReading, opening, readCommon, readDuration, readLiteral } from './common.ts';

export const defaultQueue = 'handlers';
export const httpTimeoutMsDefault = 30_000;
export const taskTimeoutMsDefault = 300_000;
export const defaultRetry: RetryPolicy = { maxAttempts: 3, backoff: 'exponential', initialMs: 1_000, maxMs: 60_000, nonRetryable: [] };

/** The same as `defineTask` takes. */
const TASK_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
/** What may follow `<prefix>.tasks.` in a topic's name. */
const QUEUE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const ATTEMPTS_MAX = 1_000;

export function readTask(reading: NodeReading): TaskNode {
  const { fields, expressions } = reading;
  fields.required('task', "the handler's name");
  const task = readLiteral(fields, 'task', TASK_NAME, 'a letter, then letters, digits and _ . -, at most 128 characters') ?? '';
  const queue = readLiteral(
    fields,
    'queue',
    QUEUE_NAME,
    'letters, digits, _ and -, at most 64 characters, since it ends the name of a topic',
  );
  const input = expressions.template(fields.raw('input') ?? {}, fields.at('input'), opening(reading));
  return { ...readCommon(reading), type: 'task', task, queue: queue ?? defaultQueue, input, ...readEffort(reading, taskTimeoutMsDefault) };
}

export function readHttp(reading: NodeReading): HttpNode {
  const { fields, expressions } = reading;
  fields.required('method', 'the method of the request, such as "POST"');
  fields.required('url', 'the address of the request');
  const method = fields.text('method') ?? 'GET';
  if (!method.includes('${') && !httpMethods.includes(method.toUpperCase())) fields.refuse('method', `one of ${httpMethods.join(', ')}`);
  const url = fields.text('url') ?? '-';
  if (!url.includes('${') && url !== '-') checkUrl(fields, url);
  const headers = fields.raw('headers');
  if (headers !== undefined && typeof headers !== 'string') checkHeaders(reading);
  const body = fields.raw('body');
  if (body !== undefined && body !== null && methodsWithoutBody.has(method.toUpperCase()))
    fields.faults.add(
      fields.at('body'),
      'MR_DEF_SHAPE',
      `A ${method.toUpperCase()} request has no body: leave it out, or use another method.`,
    );
  const request = { method, url, ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }) };
  return {
    ...readCommon(reading),
    type: 'http',
    request: expressions.template(request, fields.pointer, opening(reading)),
    ...readEffort(reading, httpTimeoutMsDefault),
  };
}

function checkUrl(fields: Fields, text: string): void {
  const url = /^https?:\/\/[^/?#\s]/i.test(text) ? URL.parse(text) : null;
  if (url === null) fields.refuse('url', 'a whole address that begins with http:// or https://');
  else if (url.username !== '' || url.password !== '')
    fields.refuse('url', 'an address without user name and password: put them into a header, since a URL is stored and shown');
}

function checkHeaders({ fields }: NodeReading): void {
  const headers = fields.nested('headers');
  if (headers === undefined) return;
  for (const [name, value] of Object.entries(headers.object)) {
    const pointer = pointerTo(headers.pointer, name);
    if (!canBeHeader(name))
      fields.faults.add(
        pointer,
        'MR_DEF_SHAPE',
        `${shown(name)} cannot be set: it is no name of a header, or the connection itself decides it.`,
      );
    else if (isJsonObject(value) || Array.isArray(value))
      fields.faults.add(pointer, 'MR_DEF_SHAPE', 'A header must be a text, a number or a bool.');
  }
}

function readEffort(
  reading: NodeReading,
  timeoutMsDefault: number,
): { readonly timeout: DurationSetting; readonly queueTimeout: DurationSetting | null; readonly retry: RetryPolicy } {
  const timeout = readDuration(reading, 'timeout') ?? { kind: 'constant', ms: timeoutMsDefault };
  const queueTimeout = readDuration(reading, 'queueTimeout');
  if (queueTimeout?.kind === 'constant' && timeout.kind === 'constant' && queueTimeout.ms < timeout.ms)
    reading.fields.faults.add(
      reading.fields.at('queueTimeout'),
      'MR_DEF_DURATION',
      `"queueTimeout" counts from dispatch to outcome, so it must be at least "timeout" (${timeout.ms / 1_000} s).`,
    );
  return { timeout, queueTimeout, retry: readRetry(reading) };
}

function readRetry({ fields, expressions, id }: NodeReading): RetryPolicy {
  const retry = fields.nested('retry');
  if (retry === undefined) return defaultRetry;
  const delay = (field: 'initial' | 'max'): number | undefined => {
    const value = retry.raw(field);
    if (value === undefined) return undefined;
    const setting = expressions.duration(value, retry.at(field), { kind: 'opening', nodeId: id });
    if (setting.kind === 'constant') return setting.ms;
    retry.refuse(field, 'a duration that is written out, without expressions');
    return undefined;
  };
  const initialMs = delay('initial');
  const maxMs = delay('max');
  const policy: RetryPolicy = {
    maxAttempts: retry.integer('maxAttempts', 1, ATTEMPTS_MAX) ?? defaultRetry.maxAttempts,
    backoff: retry.oneOf('backoff', ['fixed', 'linear', 'exponential']) ?? defaultRetry.backoff,
    initialMs: initialMs ?? Math.min(defaultRetry.initialMs, maxMs ?? defaultRetry.initialMs),
    maxMs: maxMs ?? Math.max(defaultRetry.maxMs, initialMs ?? 0),
    nonRetryable: retry.texts('nonRetryable') ?? defaultRetry.nonRetryable,
  };
  if (initialMs !== undefined && maxMs !== undefined && maxMs < initialMs)
    fields.faults.add(retry.at('max'), 'MR_DEF_DURATION', '"max" is the longest delay, so it must be at least "initial".');
  if (new Set(policy.nonRetryable).size < policy.nonRetryable.length)
    fields.faults.add(retry.at('nonRetryable'), 'MR_DEF_DUPLICATE', 'An error code stands twice in "nonRetryable": name each once.');
  retry.end('A retry policy');
  return policy;
}
