/** Folds the history of every instance again and compares what comes out with what is stored. Reads only. */

import type { InstanceId, TaskPath } from '../core/ids.ts';
import { requestOf } from '../core/instance/children/books.ts';
import { fold, statusOf } from '../core/instance/index.ts';
import { allBooks } from '../core/instance/state/scopes.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import { isJsonObject, type Json, jsonEquals } from '../core/json.ts';
import { pointerTo } from '../core/json-pointer.ts';
import { toEnd } from '../core/parts.ts';
import type { ChildRow } from '../store/books.ts';
import { humanRecords } from '../store/human-task-record.ts';
import type { InstanceQueries, InstanceRow, TaskRow } from '../store/instance-queries.ts';
import { storeHistory } from '../store/stored/history.ts';
import { payloadAt } from '../store/stored/payloads.ts';
import { taskImages } from '../store/stored/task-images.ts';

export type Difference = { readonly instanceId: InstanceId; readonly message: string };
export type Verification = { readonly verified: number; readonly differences: readonly Difference[] };

type Queries = Pick<InstanceQueries, 'instanceIds' | 'find' | 'getWhole' | 'tasks' | 'task' | 'fullHistory' | 'books'>;
type Stored = {
  readonly state: InstanceState;
  readonly row: InstanceRow;
  readonly tasks: readonly TaskRow[];
  readonly books: readonly ChildRow[];
};

const PAGE = 500;
/** Most of the time goes to waiting for the database. Each may be as large as an instance may be. */
const AT_ONCE = 4;
/** A running instance may move on between the two reads. */
const READS_MAX = 5;
const PLACES_MAX = 10;

/** @param onProgress told after each page how many were verified so far. */
export async function verifyInstances(queries: Queries, onProgress: (verified: number) => void): Promise<Verification> {
  const differences: Difference[] = [];
  let verified = 0;
  let after: InstanceId | null = null;
  for (;;) {
    const ids: readonly InstanceId[] = await queries.instanceIds(after, PAGE);
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      const messages = await Promise.all(some.map((instanceId) => verifyInstance(queries, instanceId)));
      differences.push(...some.flatMap((instanceId, n) => differenceOf(instanceId, messages[n] ?? null)));
    }
    verified += ids.length;
    onProgress(verified);
    after = ids.at(-1) ?? null;
    if (after === null || ids.length < PAGE) return { verified, differences };
  }
}

function differenceOf(instanceId: InstanceId, message: string | null): readonly Difference[] {
  return message === null ? [] : [{ instanceId, message }];
}

/** What differs, or null. */
async function verifyInstance(queries: Queries, instanceId: InstanceId): Promise<string | null> {
  let message: string | null = null;
  for (let read = 0; read < READS_MAX; read++) {
    const view = await queries.getWhole(instanceId);
    // Removed by policy since the ids were listed.
    if (view === null) return null;
    const tasks = await tasksOf(queries, instanceId);
    const books = await queries.books(instanceId);
    const history = await queries.fullHistory(instanceId);
    try {
      message = compare({ ...view, tasks, books }, fold(instanceId, history), history);
    } catch (error) {
      message = `the history cannot be folded: ${error instanceof Error ? error.message : 'it threw'}`;
    }
    if (message === null) return null;
    if ((await queries.find(instanceId))?.seq === view.state.seq) return message;
  }
  return message;
}

async function tasksOf(queries: Queries, instanceId: InstanceId): Promise<readonly TaskRow[]> {
  const tasks: TaskRow[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: Awaited<ReturnType<Queries['tasks']>> = await queries.tasks(instanceId, PAGE, cursor);
    // Lists leave out what is large.
    for (const task of page.items) tasks.push(task.omitted.length === 0 ? task : ((await queries.task(instanceId, task.path)) ?? task));
    cursor = page.nextCursor;
    if (cursor === null) return tasks;
  }
}

function compare({ state, row, tasks, books }: Stored, folded: InstanceState, history: readonly HistoryEntry[]): string | null {
  const differences: string[] = [];
  const note = (what: string, places: Iterable<string>): void => {
    const first = [...places].slice(0, PLACES_MAX);
    if (first.length > 0) differences.push(`${what} from the fold of its history at ${first.join(', ')}`);
  };
  note('the stored state differs', differingPlaces(asJson(state), asJson(folded), ''));
  note('its row in the lists differs', differingPlaces(asJson(row), asJson(rowOf(folded)), ''));
  const rows = Object.fromEntries(tasks.map((task) => [task.path, readOf(task)]));
  const expected = Object.fromEntries(expectedRows(folded, history));
  note('the rows of its tasks differ', differingPlaces(asJson(rows), asJson(expected), ''));
  note('the rows of its children differ', differingPlaces(asJson(byChild(books)), asJson(byChild(expectedBooks(folded))), ''));
  return differences.length === 0 ? null : differences.join('; ');
}

/** What lists and searches read beside the state. */
function rowOf(state: InstanceState): InstanceRow {
  const { instanceId, definitionId, definitionVersion, businessKey, startedAt: createdAt, updatedAt } = state;
  return { instanceId, definitionId, definitionVersion, businessKey, status: statusOf(state), createdAt, updatedAt };
}

function byChild(rows: readonly ChildRow[]): Readonly<Record<string, ChildRow['request']>> {
  return Object.fromEntries(rows.map(({ childId, request }) => [childId, request]));
}

function expectedBooks(folded: InstanceState): readonly ChildRow[] {
  return allBooks(folded).map((book) => ({ childId: book.childId, request: requestOf(folded, book) }));
}

type TaskFields = Pick<TaskRow, 'nodeId' | 'type' | 'status' | 'attempt' | 'input' | 'output' | 'error' | 'openedAt' | 'human'>;

function readOf({ nodeId, type, status, attempt, input, output, error, openedAt, human }: TaskRow): TaskFields {
  return { nodeId, type, status, attempt, input, output, error, openedAt, human };
}

/** What the rows hold of all tasks that the history tells of, also of those whose item or round is over. */
function expectedRows(folded: InstanceState, history: readonly HistoryEntry[]): (readonly [TaskPath, TaskFields])[] {
  const people = humanRecords(history, null);
  const payloads = new Map<number, Json>();
  storeHistory(history, payloads);
  return toEnd(taskImages(null, folded, history)).map(({ path, nodeId, type, status, attempt, scheduling, outputSeq, error, openedAt }) => {
    const [input, output] = [payloadAt(payloads, scheduling?.inputSeq ?? null), payloadAt(payloads, outputSeq)];
    return [path, { nodeId, type, status, attempt, input, output, error, openedAt, human: people.get(path) ?? null }];
  });
}

/** As it would be stored: members that are undefined are no members. */
function asJson(value: InstanceState | InstanceRow | Readonly<Record<string, TaskFields | ChildRow['request']>>): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function* differingPlaces(stored: Json, folded: Json, pointer: string): Generator<string> {
  if (isJsonObject(stored) && isJsonObject(folded)) {
    for (const key of new Set([...Object.keys(stored), ...Object.keys(folded)])) {
      const [a, b] = [stored[key], folded[key]];
      const place = pointerTo(pointer, key);
      if (a === undefined || b === undefined) yield place;
      else yield* differingPlaces(a, b, place);
    }
  } else if (!jsonEquals(stored, folded)) yield pointer;
}
