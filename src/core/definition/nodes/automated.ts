/** `task` and `http`: work that leaves the core, with its time limits and retries. */

import { isJsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { shown } from '../errors.ts';
import { canBeHeader, httpMethods, methodsWithoutBody } from '../http-rules.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { DurationSetting, HttpNode, RetryPolicy, TaskNode } from '../types.ts';
import { type NodeContext, opening, readCommon, readDuration, readLiteral } from './common.ts';

export const defaultQueue = 'handlers';
export const httpTimeoutMsDefault = 30_000;
export const taskTimeoutMsDefault = 300_000;
export const defaultRetry: RetryPolicy = {
  maxAttempts: 3,
  backoff: 'exponential',
  initialMs: 1_000,
  maxMs: 60_000,
  jitter: 'spread',
  nonRetryable: [],
};

/** The same as `defineTask` takes. */
const TASK_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
/** What may follow `<prefix>.tasks.` in a topic's name. */
const QUEUE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const ATTEMPTS_MAX = 1_000;

export function readTask(context: NodeContext): TaskNode {
  const { reader, expressions } = context;
  reader.required('task', "the handler's name");
  const task = readLiteral(reader, 'task', TASK_NAME, 'a letter, then letters, digits and _ . -, at most 128 characters') ?? '';
  const queue = readLiteral(
    reader,
    'queue',
    QUEUE_NAME,
    'letters, digits, _ and -, at most 64 characters, since it ends the name of a topic',
  );
  const input = expressions.template(reader.raw('input') ?? {}, reader.at('input'), opening(context));
  return { ...readCommon(context), type: 'task', task, queue: queue ?? defaultQueue, input, ...readEffort(context, taskTimeoutMsDefault) };
}

export function readHttp(context: NodeContext): HttpNode {
  const { reader, expressions } = context;
  reader.required('method', 'the method of the request, such as "POST"');
  reader.required('url', 'the address of the request');
  const method = reader.string('method') ?? 'GET';
  if (!method.includes('${') && !httpMethods.includes(method.toUpperCase())) reader.refuse('method', `one of ${httpMethods.join(', ')}`);
  const url = reader.string('url') ?? '-';
  if (!url.includes('${') && url !== '-') checkUrl(reader, url);
  const headers = reader.raw('headers');
  if (headers !== undefined && typeof headers !== 'string') checkHeaders(context);
  const body = reader.raw('body');
  if (body !== undefined && body !== null && methodsWithoutBody.has(method.toUpperCase()))
    reader.errors.add(
      reader.at('body'),
      'MR_DEF_SHAPE',
      `A ${method.toUpperCase()} request has no body: leave it out, or use another method.`,
    );
  const request = { method, url, ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }) };
  return {
    ...readCommon(context),
    type: 'http',
    request: expressions.template(request, reader.pointer, opening(context)),
    ...readEffort(context, httpTimeoutMsDefault),
  };
}

function checkUrl(reader: ObjectReader, text: string): void {
  const url = /^https?:\/\/[^/?#\s]/i.test(text) ? URL.parse(text) : null;
  if (url === null) reader.refuse('url', 'a whole address that begins with http:// or https://');
  else if (url.username !== '' || url.password !== '')
    reader.refuse('url', 'an address without user name and password: put them into a header, since a URL is stored and shown');
}

function checkHeaders({ reader }: NodeContext): void {
  const headers = reader.nested('headers');
  if (headers === undefined) return;
  for (const [name, value] of Object.entries(headers.object)) {
    const pointer = pointerTo(headers.pointer, name);
    if (!canBeHeader(name))
      reader.errors.add(
        pointer,
        'MR_DEF_SHAPE',
        `${shown(name)} cannot be set: it is no name of a header, or the connection itself decides it.`,
      );
    else if (isJsonObject(value) || Array.isArray(value))
      reader.errors.add(pointer, 'MR_DEF_SHAPE', 'A header must be a string, a number or a boolean.');
  }
}

function readEffort(
  context: NodeContext,
  timeoutMsDefault: number,
): { readonly timeout: DurationSetting; readonly queueTimeout: DurationSetting | null; readonly retry: RetryPolicy } {
  const timeout = readDuration(context, 'timeout') ?? { kind: 'constant', ms: timeoutMsDefault };
  const queueTimeout = readDuration(context, 'queueTimeout');
  if (queueTimeout?.kind === 'constant' && timeout.kind === 'constant' && queueTimeout.ms < timeout.ms)
    context.reader.errors.add(
      context.reader.at('queueTimeout'),
      'MR_DEF_DURATION',
      `"queueTimeout" counts from dispatch to outcome, so it must be at least "timeout" (${timeout.ms / 1_000} s).`,
    );
  return { timeout, queueTimeout, retry: readRetry(context) };
}

function readRetry({ reader, expressions, id }: NodeContext): RetryPolicy {
  const retry = reader.nested('retry');
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
    jitter: retry.oneOf('jitter', ['spread', 'none']) ?? defaultRetry.jitter,
    nonRetryable: retry.strings('nonRetryable') ?? defaultRetry.nonRetryable,
  };
  if (initialMs !== undefined && maxMs !== undefined && maxMs < initialMs)
    reader.errors.add(retry.at('max'), 'MR_DEF_DURATION', '"max" is the longest delay, so it must be at least "initial".');
  if (new Set(policy.nonRetryable).size < policy.nonRetryable.length)
    reader.errors.add(retry.at('nonRetryable'), 'MR_DEF_DUPLICATE', 'An error code stands twice in "nonRetryable": name each once.');
  retry.end('A retry policy');
  return policy;
}
