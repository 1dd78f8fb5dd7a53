/** Why a `fetch` failed, as a message: it may name addresses and certificates, never headers or bodies. Pure. */
export function reasonOfNoAnswer(cause: unknown): string {
  if (!(cause instanceof Error)) return 'no answer';
  if (cause.name === 'TimeoutError') return 'no answer in time';
  // fetch says only "fetch failed"; its cause has the reason.
  return cause.cause instanceof Error ? cause.cause.message || String(Reflect.get(cause.cause, 'code') ?? cause.message) : cause.message;
}
