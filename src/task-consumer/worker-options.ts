/** What a task worker is made of. */
import type { Codec } from '../messaging/codec.ts';
import type { LogConsumer, LogConsumerHandlers, LogProducer } from '../messaging/log.ts';
import type { RetryPolicy } from '../service/backoff.ts';
import type { Logger } from '../service/logging.ts';
import type { SegmentOptions } from './continuation/segment.ts';
import type { Executor } from './executor.ts';
import type { RecordBufferLimits } from './record-buffer.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

export type TaskWorkerOptions = {
  readonly groupId: string;
  /** Name of this process in outcomes. */
  readonly name: string;
  readonly concurrency: number;
  readonly executor: Executor;
  readonly openConsumer: (handlers: LogConsumerHandlers) => LogConsumer;
  readonly producer: LogProducer;
  /** Prepared for TaskOutcome and DeadLetter on the two topics. */
  readonly codec: Codec;
  readonly topics: { readonly notifications: string; readonly deadLetters: string };
  /** Records above this are invalid; outputs above `payloadBytes` fail their task. */
  readonly maxMessageBytes: number;
  readonly payloadBytes: number;
  readonly retry: RetryPolicy;
  /** Ends retrying, and is aborted before `stop()` is called: nothing new begins from then on. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly limits?: Partial<RecordBufferLimits>;
  /** What workers of the group noted beside the committed offsets, by partition; absent: a task whose worker died is run again without limit. */
  readonly readRunNotes?: () => Promise<ReadonlyMap<number, string>>;
  /** To go on with the next task by itself where it may; absent: it never does. */
  readonly continuation?: Omit<SegmentOptions, 'canRun' | 'log'>;
  /** true: it begins nothing before `setPaused(false)`. Default false. */
  readonly isPaused?: boolean;
};
