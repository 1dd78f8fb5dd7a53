/** An entry of a history as a line for people: its number, time, type and place, and what a reader asks first: who, why, until when. */
import type { HistoryEntry } from '../client/index.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { own } from '../core/record.ts';
import { printable, shortTime } from './output.ts';

/** Longer words are cut: `--json` has them whole. */
const WORDS_MAX = 200;
/** `<instance>.` before the path of a task. */
const INSTANCE_LENGTH = 37;

export function historyLine(entry: HistoryEntry): string {
  const { seq, type, at, taskId, details } = entry;
  // null when it is too large to be shown.
  const fields = isJsonObject(details) ? details : {};
  const place = taskId?.slice(INSTANCE_LENGTH) ?? textOf(fields, 'scope') ?? '';
  const words = printable(wordsOf(type, fields));
  const shown = words.length > WORDS_MAX ? `${words.slice(0, WORDS_MAX - 1)}…` : words;
  return [String(seq).padStart(4), shortTime(at), type, place, shown].filter((part) => part !== '').join('  ');
}

function wordsOf(type: string, details: JsonObject): string {
  // Each start has somebody who asked for it; the others are named where a person did something.
  const by = type === 'InstanceStarted' ? null : textOf(details, 'by');
  const why = textOf(details, 'reason') ?? textOf(details, 'comment');
  const status = textOf(details, 'status');
  const words = [
    by === null ? '' : `by ${by}`,
    textOf(details, 'outcome') ?? '',
    textOf(details, 'action') ?? textOf(details, 'wish') ?? '',
    status === null || status === 'completed' || status === 'failed' ? '' : status,
    errorOf(details),
    why === null ? '' : `"${why}"`,
    timeOf(details),
    ...['event', 'childId', 'definitionId', 'to'].map((name) => (type === 'InstanceStarted' ? '' : (textOf(details, name) ?? ''))),
  ];
  return words.filter((word) => word !== '').join(' ');
}

/** Of the entry itself, or of the incident or the end that it is about. */
function errorOf(details: JsonObject): string {
  for (const holder of [details, fieldsOf(details, 'incident'), fieldsOf(details, 'goal')]) {
    const error = fieldsOf(holder, 'error');
    const code = textOf(error, 'code');
    if (code !== null) return `${code}: ${textOf(error, 'message') ?? ''}`;
  }
  return textOf(details, 'code') ?? '';
}

function timeOf(details: JsonObject): string {
  for (const [name, word] of [
    ['retryAt', 'again at'],
    ['until', 'until'],
    ['timeoutAt', 'until'],
  ] as const) {
    const at = own(details, name);
    if (typeof at === 'number') return `${word} ${shortTime(new Date(at).toISOString())}`;
  }
  return '';
}

function fieldsOf(details: JsonObject, name: string): JsonObject {
  const value = own(details, name);
  return isJsonObject(value) ? value : {};
}

function textOf(details: JsonObject, name: string): string | null {
  const value = own(details, name);
  return typeof value === 'string' && value !== '' ? value : null;
}
