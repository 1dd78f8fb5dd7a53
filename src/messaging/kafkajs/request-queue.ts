/**
 * Replaces one method of kafkajs 2.2.4 that has a bug. Its request queue checks for pending requests by a timer, which it also
 * sets when nothing is pending, with a negative delay: a thousand wake-ups a second for each connection, and a warning on stderr.
 * The queue is also checked whenever a response arrives, so the timer is not needed then.
 */
import { createRequire } from 'node:module';

type RequestQueue = { readonly pending: readonly unknown[] };
type Schedule = (this: RequestQueue) => void;

const marker = Symbol.for('millrace.requestQueueMended');

/** Safe to repeat. Throws when kafkajs has no such method any more: then this file can be deleted. */
export function mendRequestQueue(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    readonly prototype: { scheduleCheckPendingRequests?: Schedule; [marker]?: true };
  };
  if (prototype[marker] === true) return;
  const schedule = prototype.scheduleCheckPendingRequests;
  if (schedule === undefined) throw new Error('Bug: this kafkajs has another request queue; see kafkajs/request-queue.ts');
  prototype.scheduleCheckPendingRequests = function scheduleIfPending() {
    if (this.pending.length > 0) schedule.call(this);
  };
  prototype[marker] = true;
}
