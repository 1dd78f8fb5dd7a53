/** What an attempt of a task is made of, and what may come of it. */
import type { Json } from '../../json.ts';
import type { SecretUse } from '../../secrets.ts';

export type TaskError = {
  /** `HTTP_<status>`, `NETWORK`, `TIMEOUT`, `INPUT_INVALID`, `OUTPUT_INVALID`, `EXPRESSION`, `HANDLER_MISSING`, or the handler's own. */
  readonly code: string;
  readonly message: string;
  /** What the called service said: `{ status, headers, body }` of an `http` node, at most `errorDetailsBytesMax`. */
  readonly details?: Json;
};

/** Of `details`, as JSON. */
export const errorDetailsBytesMax = 4_096;

/** What an attempt of an `http` or `task` node is made of: every attempt gets the same. */
export type TaskPayload = {
  /** Handler's name; null for `http`. */
  readonly task: string | null;
  readonly queue: string | null;
  readonly input: Json;
  readonly timeoutMs: number;
  readonly queueTimeoutMs: number | null;
  /** Places in the input where the worker puts secrets; absent: there are none. */
  readonly secrets?: readonly SecretUse[];
};

/** `inputSeq`: the history entry that brought the input, which is stored there and nowhere else. */
export type StoredTaskPayload = TaskPayload & { readonly inputSeq: number };

/** History entry, or entries in the order of an array (null: nothing), in which a payload is stored. */
export type PayloadSeq = number | readonly (number | null)[];
