/**
 * Tasks as the state of an instance holds them in the database. A step writes the whole state, and most tasks in it ended long ago, so they are written
 * short: one that has ended as an array, an open one as an object without what is so for most. States that were written before, with all members of
 * each task, are read too.
 */
import type { Basis, EdgeId, EpochMs, TaskPath } from '../../core/ids.ts';
import { nodeIdOfPath } from '../../core/instance/state/scopes.ts';
import { type ClosedTask, isOpen, type OpenTask, type TaskState } from '../../core/instance/state/state.ts';

/** A task without its path, its output, its input, its items, the events that it took and the outputs of its votes. */
export type StoredTask = { readonly status: TaskState['status']; readonly [field: string]: unknown };

/** `type` of a task that completed, else `type:status`. @param opened after the zero of its scope. */
type ShortClosed = readonly [
  kind: string,
  opened: number,
  took: number,
  closedSeq: number,
  basis: string,
  edges: ShortEdges,
  more?: Fields,
];
/** A string: one edge. */
type ShortEdges = string | readonly string[] | null;
type Fields = { readonly [field: string]: unknown };
type WrittenOpen = Fields & { readonly type?: unknown; readonly status?: TaskState['status']; readonly payload?: Fields | null };
/** As it stands in the database. */
export type WrittenTask = ShortClosed | WrittenOpen;

/** What the array has in places of its own. */
const placed: ReadonlySet<string> = new Set<keyof ClosedTask>([
  'openedAt',
  'type',
  'closedAt',
  'closedSeq',
  'basis',
  'takenEdges',
  'status',
]);
const noFailures = { failures: 0, returns: 0, lastError: null } as const;
const noQueueTimeout = { queueTimeoutMs: null } as const;

/**
 * @param kept the task as it is stored.
 * @param zero times of tasks that have ended are counted from it.
 */
export function shortTask(task: TaskState, kept: Fields, zero: EpochMs): WrittenTask {
  const more: Record<string, unknown> = {};
  for (const name in kept) if (!isImplied(name, task)) more[name] = kept[name];
  return isOpen(task) ? shortOpen(task, more) : shortClosed(task, more, zero);
}

function isImplied(name: string, task: TaskState): boolean {
  switch (name) {
    case 'nodeId':
      return task.nodeId === nodeIdOfPath(task.path);
    case 'attempt':
      return task.attempt === 1;
    case 'outputSeq':
      return task.status === 'completed' && task.outputSeq === task.closedSeq;
    default:
      return !isOpen(task) && placed.has(name);
  }
}

function shortClosed(task: ClosedTask, more: Fields, zero: EpochMs): ShortClosed {
  const { path, basis, openedAt, type, closedAt, closedSeq, takenEdges, status } = task;
  const kind = status === 'completed' ? type : `${type}:${status}`;
  const short = [kind, openedAt - zero, closedAt - openedAt, closedSeq, shortBasis(basis), shortEdges(path, takenEdges)] as const;
  return Object.keys(more).length === 0 ? short : [...short, more];
}

function shortOpen(task: OpenTask, members: Fields): WrittenOpen {
  if (task.status !== 'scheduled' && task.status !== 'retrying') return members;
  const short: Record<string, unknown> = {};
  for (const name in members) if (!isUsual(name, task)) short[name] = members[name];
  if (task.payload.queueTimeoutMs !== null) return short;
  const { input: _, queueTimeoutMs: __, ...payload } = task.payload;
  return { ...short, payload };
}

function isUsual(name: string, task: OpenTask & { readonly status: 'scheduled' | 'retrying' }): boolean {
  switch (name) {
    case 'status':
      return task.status === 'scheduled';
    case 'dispatchedAt':
      return task.status === 'scheduled' && task.dispatchedAt === task.openedAt;
    case 'failures':
    case 'returns':
    case 'lastError':
      return task[name] === noFailures[name];
    default:
      return false;
  }
}

export function longTask(path: TaskPath, written: WrittenTask, zero: EpochMs): StoredTask {
  return isShortClosed(written) ? longClosed(path, written, zero) : longOpen(path, written);
}

function isShortClosed(written: WrittenTask): written is ShortClosed {
  return Array.isArray(written);
}

function longClosed(path: TaskPath, [kind, opened, took, closedSeq, basis, edges, more]: ShortClosed, zero: EpochMs): StoredTask {
  const colon = kind.indexOf(':');
  const [type, status] = colon < 0 ? [kind, 'completed'] : [kind.slice(0, colon), kind.slice(colon + 1)];
  const openedAt = zero + opened;
  return {
    ...{ nodeId: nodeIdOfPath(path), attempt: 1, basis: longBasis(basis), openedAt, type, closedAt: openedAt + took, closedSeq },
    takenEdges: longEdges(path, edges),
    // It was written from a task.
    status: status as ClosedTask['status'],
    ...(status === 'completed' ? { outputSeq: closedSeq } : {}),
    ...more,
  };
}

/** Also of one that was written with all its members. */
function longOpen(path: TaskPath, written: WrittenOpen): StoredTask {
  const { type, status = 'scheduled', openedAt, payload } = written;
  const common = { nodeId: nodeIdOfPath(path), attempt: 1, ...written, status };
  const isAutomated = type === 'task' || type === 'http';
  if (!isAutomated || (status !== 'scheduled' && status !== 'retrying')) return common;
  return {
    ...noFailures,
    ...(status === 'scheduled' ? { dispatchedAt: openedAt } : {}),
    ...common,
    payload: { ...noQueueTimeout, ...payload },
  };
}

const hex = /^[0-9a-f]{32}$/;

/** The 128 bits of a hash in 22 characters; anything else after a `=`. */
function shortBasis(basis: Basis): string {
  return hex.test(basis) ? Buffer.from(basis, 'hex').toString('base64url') : `=${basis}`;
}

function longBasis(short: string): string {
  return short.startsWith('=') ? short.slice(1) : Buffer.from(short, 'base64url').toString('hex');
}

/** `pick->pack` of the node `pick` is `>pack`; an id that begins with `>` itself gets one more. */
function shortEdges(path: TaskPath, edges: readonly EdgeId[] | null): ShortEdges {
  if (edges === null) return null;
  const own = ownEdge(path);
  const short = edges.map((id) => {
    const isOwn = id.startsWith(own) && !id.startsWith('>', own.length);
    return isOwn ? `>${id.slice(own.length)}` : id.startsWith('>') ? `>${id}` : id;
  });
  const [first] = short;
  return first !== undefined && short.length === 1 ? first : short;
}

function longEdges(path: TaskPath, short: ShortEdges): readonly string[] | null {
  if (short === null) return null;
  const own = ownEdge(path);
  const long = (id: string): string => (id.startsWith('>>') ? id.slice(1) : id.startsWith('>') ? `${own}${id.slice(1)}` : id);
  return typeof short === 'string' ? [long(short)] : short.map(long);
}

/** How the ids begin that edges of the node get by themselves. */
function ownEdge(path: TaskPath): string {
  return `${path.slice(path.lastIndexOf('.') + 1)}->`;
}
