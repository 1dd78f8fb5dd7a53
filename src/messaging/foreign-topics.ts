/**
 * Topics that belong to others: they are checked, and never made or altered. One row of the outbox for a missing topic, or one
 * record that its topic refuses, would stop the whole connector, so the topics of `publish` are checked before the outbox accepts
 * messages for them. Topics of events are checked too.
 */
import { MillraceError } from '../core/error.ts';
import type { LogAdmin } from './log.ts';

/**
 * Throws `MR_PUBLISH_TOPIC` (not retryable) with each topic that does not exist, or accepts only smaller records than the outbox
 * does; a retryable `MillraceError` when the broker is unavailable.
 */
export async function assertPublishTopics(
  admin: Pick<LogAdmin, 'describeTopics'>,
  publishTopics: readonly string[],
  maxMessageBytes: number,
): Promise<void> {
  if (publishTopics.length === 0) return;
  const found = new Map((await admin.describeTopics(publishTopics)).map(({ topic, config }) => [topic, config]));
  const errors = publishTopics.flatMap((topic) => {
    const config = found.get(topic);
    if (config === undefined) return [`${topic} does not exist, or this login may not see it`];
    const bytes = Number(config['max.message.bytes']);
    return bytes < maxMessageBytes ? [`${topic} takes ${bytes} bytes at most (max.message.bytes), fewer than ${maxMessageBytes}`] : [];
  });
  if (errors.length === 0) return;
  const message =
    `The topics of MILLRACE_PUBLISH_TOPICS must exist and take records of MILLRACE_MAX_MESSAGE_BYTES: ${errors.join('; ')}. ` +
    'Millrace does not make or alter these topics: do so yourself, or take them off the list, and run `millrace topics` again.';
  throw new MillraceError('MR_PUBLISH_TOPIC', message, { retryable: false });
}

/**
 * Throws `MR_EVENT_TOPIC` (retryable: it may be made at any time) with the topics that do not exist; a retryable `MillraceError`
 * when the broker is unavailable. Needs only the right to read.
 */
export async function assertEventTopics(admin: Pick<LogAdmin, 'missingTopics'>, eventTopics: readonly string[]): Promise<void> {
  if (eventTopics.length === 0) return;
  const missing = await admin.missingTopics(eventTopics);
  if (missing.length === 0) return;
  const message =
    `The topics of MILLRACE_EVENT_TOPICS must exist: ${missing.join(', ')} ${missing.length === 1 ? 'does' : 'do'} not, ` +
    'or this login may not see it. Millrace does not make these topics: make them, or take them off the list.';
  throw new MillraceError('MR_EVENT_TOPIC', message, { retryable: true });
}
