/** `timeout`, `queueTimeout` and `retry` of work that leaves the core: `task` and `http`. */
import type { DurationSetting, RetryPolicy } from '../../definition/types.ts';
import { type NodeContext, opening, readDuration } from './node-context.ts';

export const defaultRetry: RetryPolicy = {
  maxAttempts: 3,
  backoff: 'exponential',
  initialMs: 1_000,
  maxMs: 60_000,
  jitter: 'spread',
  on: [],
  nonRetryable: [],
};

const ATTEMPTS_MAX = 1_000;

export function readEffort(
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

function readRetry(context: NodeContext): RetryPolicy {
  const { reader, expressions } = context;
  const retry = reader.nested('retry', 'an object such as { "maxAttempts": 5, "initial": "2s" }');
  if (retry === undefined) return defaultRetry;
  const delay = (field: 'initial' | 'max'): number | undefined => {
    const value = retry.raw(field);
    if (value === undefined) return undefined;
    const setting = expressions.duration(value, retry.at(field), opening(context));
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
    on: retry.strings('on') ?? defaultRetry.on,
    nonRetryable: retry.strings('nonRetryable') ?? defaultRetry.nonRetryable,
  };
  if (initialMs !== undefined && maxMs !== undefined && maxMs < initialMs)
    reader.errors.add(retry.at('max'), 'MR_DEF_DURATION', '"max" is the longest delay, so it must be at least "initial".');
  for (const field of ['on', 'nonRetryable'] as const)
    if (new Set(policy[field]).size < policy[field].length)
      reader.errors.add(retry.at(field), 'MR_DEF_DUPLICATE', `An error code stands twice in "${field}": name each once.`);
  retry.end('A retry policy');
  return policy;
}
