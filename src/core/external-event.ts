/** An event that happened outside, or that a node publishes. A published event may come back and wake another instance. */
import type { EpochMs } from './ids.ts';
import type { Json } from './json.ts';

export type ExternalEvent = {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  /** Correlation key. */
  readonly key: string;
  readonly time: EpochMs | null;
  readonly data: Json;
};

/** An event as expressions see it, and as the output of an `event` node. */
export function eventView({ id, type, source, key, time, data }: ExternalEvent): Json {
  return { id, type, source, key, time: time === null ? null : new Date(time).toISOString(), data };
}

/** Source of the events that instances of a definition publish. */
export function publishSource(definitionId: string): string {
  return `millrace/${definitionId}`;
}
