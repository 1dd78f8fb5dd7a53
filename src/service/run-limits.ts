/** What payloads may measure: those that travel in messages, and those that need not. */

import { RECORD_OVERHEAD_BYTES } from './config/groups/limits.ts';
import type { Config } from './config.ts';

export type ConfiguredLimits = Config['limits'] & {
  /** Of what a message holds: an event, an answer of a person, what parents and children give each other. In bytes. */
  readonly messageBytes: number;
};

export function runLimitsOf({ limits, topics }: Pick<Config, 'limits' | 'topics'>): ConfiguredLimits {
  return { ...limits, messageBytes: Math.min(limits.payloadBytes, topics.maxMessageBytes - RECORD_OVERHEAD_BYTES) };
}
