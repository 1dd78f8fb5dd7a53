/** How the response to an `http` node is read: the settings of the node, and which content types are JSON. */

export const parseModes = ['auto', 'json', 'text', 'base64'] as const;
export const numberModes = ['exact', 'string'] as const;

export type AnswerOptions = {
  /** auto: by the content type of the response. base64: the bytes as they are. */
  readonly parse: (typeof parseModes)[number];
  /**
   * What happens to a number that a double cannot hold exactly. exact: the response is refused. string: the number becomes a
   * string of its digits.
   */
  readonly numbers: (typeof numberModes)[number];
};

export const defaultAnswer: AnswerOptions = { parse: 'auto', numbers: 'exact' };

/** `json` as a word of the subtype: application/json, text/json, …+json, x-amz-json-1.1. Not x-ndjson and json-seq, which hold several values. */
const JSON_TYPE = /^\s*[\w.+-]+\/(?:[\w.+-]*[.+-])?json(?![\w])(?!-seq)/i;

export function isJsonType(contentType: string): boolean {
  return JSON_TYPE.test(contentType);
}

/** Timeout, Too Early, Too Many Requests. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether a request that failed with this status may succeed later. */
export function isForLater(status: number, hasRetryAfter: boolean): boolean {
  return LATER.has(status) || status >= 500 || hasRetryAfter;
}
