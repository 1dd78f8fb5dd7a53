/**
 * The tree of scopes: paths, and how tasks, graphs and nodes are found by them. A path alternates names of loops and numbers
 * of items or rounds (`order.3`); a task's path adds its node's name (`order.3.ship`). A state need not hold every scope:
 * whatever is asked of one that is not loaded throws `ScopesNeeded`, and whoever called the core loads it and calls again.
 */
import { invariant } from '../../assert.ts';
import type { Definition, Graph, LoopNode, Node } from '../../definition/types.ts';
import type { NodeId, ScopePath, TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import type {
  AwaitedChild,
  AwaitedWork,
  BookedChild,
  ForEachTask,
  Incident,
  InstanceState,
  OpenScope,
  ScopeState,
  StatePart,
  TaskState,
  Timer,
  UndoEntry,
} from './state.ts';

/** The instance's own scope. */
export const rootPath = '' as ScopePath;

/** Thrown out of the core: load these scopes, add them to the state (`withScopes`), and call again. */
export class ScopesNeeded extends Error {
  readonly paths: readonly ScopePath[];
  /** All scopes of this loop, and those of the loops in them; `''`: all of the instance. */
  readonly below: TaskPath | '' | null;

  constructor(needed: { readonly paths?: readonly ScopePath[]; readonly below?: TaskPath | '' }) {
    super('The state lacks scopes that the decision needs.');
    this.paths = needed.paths ?? [];
    this.below = needed.below ?? null;
  }
}

export function scopePathOf(task: TaskPath): ScopePath {
  const dot = task.lastIndexOf('.');
  // A compensation is a task of the instance's own scope, since the scope of its node may be over.
  return (dot < 0 || isCompensation(task) ? '' : task.slice(0, dot)) as ScopePath;
}

/** The task that undoes what the task of this path did. */
export function compensationPathOf(task: TaskPath): TaskPath {
  return `${task}${COMPENSATION}` as TaskPath;
}

const COMPENSATION = '.compensation';

/** A node in the body of a loop may have that name too: then the part before it is the number of an item or round. */
function isCompensation(task: string): boolean {
  if (!task.endsWith(COMPENSATION)) return false;
  const before = task.slice(task.lastIndexOf('.', task.length - COMPENSATION.length - 1) + 1, -COMPENSATION.length);
  return !/^[0-9]/.test(before);
}

export function taskPathOf(scope: ScopePath, node: Pick<Node, 'name'>): TaskPath {
  return (scope === rootPath ? node.name : `${scope}.${node.name}`) as TaskPath;
}

/** `orders.3.ship` is a task of the node `orders/ship`. The id of a node without loops around it is its path too. */
export function nodeIdOfPath(path: string): NodeId {
  const isUndoing = isCompensation(path);
  const names = (isUndoing ? path.slice(0, -COMPENSATION.length) : path).split('.').filter((_, index) => index % 2 === 0);
  return `${names.join('/')}${isUndoing ? COMPENSATION : ''}` as NodeId;
}

const BOOK = '#child';

/** Where the books keep the child of a task: there is at most one at a time, whatever the attempt. */
export function bookPathOf(task: TaskPath): ScopePath {
  return `${task}${BOOK}` as string as ScopePath;
}

/** The node that a forEach with `workflow` in place of `body` runs for each item. */
export const itemChild = 'workflow';

/** The task of that node. */
export function childTaskOf(item: ScopePath): TaskPath {
  return `${item}.${itemChild}` as TaskPath;
}

/** The task whose child it is. */
export function taskOfBook({ path }: Pick<BookedChild, 'path'>): TaskPath {
  return path.slice(0, -BOOK.length) as string as TaskPath;
}

function isBookPath(path: ScopePath): boolean {
  return path.endsWith(BOOK);
}

/** The scope of a timer's task: its id is `<path>#<kind>`, or the kind alone for the instance's own. */
export function scopeOfTimer(timerId: string): ScopePath {
  const hash = timerId.lastIndexOf('#');
  return hash < 0 ? rootPath : scopePathOf(timerId.slice(0, hash) as TaskPath);
}

export function itemPath(loop: TaskPath, index: number): ScopePath {
  return `${loop}.${index}` as ScopePath;
}

/** The loop's task of an item's or round's scope. */
export function loopPathOf(scope: ScopePath): TaskPath {
  return scope.slice(0, scope.lastIndexOf('.')) as TaskPath;
}

export function indexOf(scope: ScopePath): number {
  return Number(scope.slice(scope.lastIndexOf('.') + 1));
}

/** A scope and those around it, the innermost first. */
export function scopeChain(scope: ScopePath): readonly ScopePath[] {
  const chain = [scope];
  for (let at = scope; at !== rootPath; ) {
    at = outerOf(at);
    chain.push(at);
  }
  return chain;
}

/** How deep a scope lies: 0 for the instance's own. */
export function depthOf(scope: ScopePath): number {
  return scopeChain(scope).length - 1;
}

/** @returns undefined when there is none of that path, now or any more. Throws ScopesNeeded when that is not known. */
export function scopeAt(state: InstanceState, path: ScopePath): ScopeState | undefined {
  const scope = partAt(state, path);
  return scope?.status === 'child' ? undefined : scope;
}

/** The child of a task that is in the books. Throws ScopesNeeded. */
export function bookAt(state: InstanceState, task: TaskPath): BookedChild | undefined {
  const book = partAt(state, bookPathOf(task));
  return book?.status === 'child' ? book : undefined;
}

function partAt(state: InstanceState, path: ScopePath): StatePart | undefined {
  const part = own(state.scopes, path);
  if (part !== undefined || isKnownAbsent(state, path)) return part;
  throw new ScopesNeeded({ paths: [path] });
}

/** Asks for several at once, so that what is missing of them is loaded at once. */
export function requireScopes(state: InstanceState, paths: readonly ScopePath[]): void {
  const missing = missingScopes(state, paths);
  if (missing.length > 0) throw new ScopesNeeded({ paths: missing });
}

/** The same for the books. */
export function requireBooks(state: InstanceState, tasks: readonly TaskPath[]): void {
  const paths = tasks.map(bookPathOf).filter((path) => !Object.hasOwn(state.scopes, path) && !isKnownAbsent(state, path));
  if (paths.length > 0) throw new ScopesNeeded({ paths });
}

/** Of these and the scopes around them: those that the state does not hold, and that may exist. */
export function missingScopes(state: InstanceState, paths: readonly ScopePath[]): readonly ScopePath[] {
  if (state.partial === undefined) return [];
  const missing = new Set<ScopePath>();
  for (const path of paths) {
    for (const around of scopeChain(path).toReversed()) {
      if (Object.hasOwn(state.scopes, around)) continue;
      // Inside a scope that is not loaded, nothing is known.
      if (!missing.has(outerOf(around)) && isKnownAbsent(state, around)) break;
      missing.add(around);
    }
  }
  return [...missing];
}

/** The scope around one that is not the instance's own. */
function outerOf(path: ScopePath): ScopePath {
  return scopePathOf(isBookPath(path) ? taskOfBook({ path }) : loopPathOf(path));
}

function isKnownAbsent(state: InstanceState, path: ScopePath): boolean {
  if (state.partial === undefined) return true;
  const { absent, whole, dropped } = state.partial;
  if (dropped?.has(path) || absent.includes(path) || whole.some((loop) => path.startsWith(`${loop}.`))) return true;
  // The books keep a child after its task, and what is around it, has ended.
  return path !== rootPath && !isBookPath(path) && isOutsideOfLoop(state, path);
}

/** Whether the loop says by itself that it has no such scope: it has not come so far, or has exited. */
function isOutsideOfLoop(state: InstanceState, path: ScopePath): boolean {
  const around = scopeAt(state, outerOf(path));
  if (around?.keepsScopes === true) return false;
  if (around !== undefined && around.status !== 'open') return true;
  const loop = around === undefined ? undefined : own(around.tasks, loopPathOf(path));
  if (loop === undefined) return true;
  if ('takenEdges' in loop) return loop.takenEdges !== null && loop.keepsScopes !== true;
  if (loop.type === 'forEach') return 'from' in loop.waiting && indexOf(path) >= loop.waiting.from;
  return loop.type === 'repeat' ? indexOf(path) > loop.round : true;
}

export function openScopeAt(state: InstanceState, path: ScopePath): OpenScope {
  const scope = scopeAt(state, path);
  invariant(scope?.status === 'open', `the scope "${path}" is open`);
  return scope;
}

/** Of a task that is opened without a task before it. */
export function nextAttempt({ firstAttempt, earlierAttempts = {} }: OpenScope, path: TaskPath): number {
  return Math.max(firstAttempt, (own(earlierAttempts, path) ?? 0) + 1);
}

/** @returns undefined when there is no such task, or its scope is over. Throws ScopesNeeded. */
export function taskAt(state: InstanceState, path: TaskPath): TaskState | undefined {
  const scope = scopeAt(state, scopePathOf(path));
  return scope?.status === 'open' ? own(scope.tasks, path) : undefined;
}

/** A task that a worker has, though its node was cancelled. Throws ScopesNeeded. */
export function awaitedAt(state: InstanceState, path: TaskPath, attempt: number): AwaitedWork | undefined {
  // Most instances have no entries, and then no scope has to be loaded.
  if (state.undo === undefined) return undefined;
  return awaitedIn(state, scopeAt(state, scopePathOf(path)), path, attempt);
}

/** The same, in the part of the state that holds it, as far as that is loaded. An instance that has ended awaits nothing. */
export function awaitedIn(
  { undo }: Pick<InstanceState, 'undo'>,
  part: StatePart | undefined,
  path: TaskPath,
  attempt: number,
): AwaitedWork | undefined {
  if (undo === undefined) return undefined;
  return entriesIn(part).find(
    (entry): entry is AwaitedWork => entry.status === 'awaited' && entry.path === path && entry.attempt === attempt,
  );
}

/** What a cancelled task asked for, if that may still complete and would be undone then. Throws ScopesNeeded. */
export function awaitedChildAt(state: InstanceState, path: TaskPath, attempt: number): AwaitedChild | undefined {
  if (state.undo === undefined) return undefined;
  const entries = entriesIn(scopeAt(state, scopePathOf(path)));
  return entries.find(
    (entry): entry is AwaitedChild => entry.status === 'awaitedChild' && entry.path === path && entry.attempt === attempt,
  );
}

/** What is to be undone of a part of the state. A row of the books has nothing. */
export function entriesIn(part: StatePart | undefined): readonly UndoEntry[] {
  return part !== undefined && 'undo' in part ? (part.undo ?? []) : [];
}

/** All that workers may still do and that would be undone then. An instance that completed undoes nothing, whatever its kept scopes hold. */
export function awaitedWork({ scopes, undo }: Pick<InstanceState, 'scopes' | 'undo'>): readonly AwaitedWork[] {
  if (undo === undefined) return [];
  return Object.values(scopes).flatMap((part) => entriesIn(part).filter((entry): entry is AwaitedWork => entry.status === 'awaited'));
}

/** A task that a worker has under this attempt, open or awaited. Throws ScopesNeeded. */
export function sentTaskAt(
  state: InstanceState,
  path: TaskPath,
  attempt: number,
): AwaitedWork | (TaskState & { readonly status: 'scheduled' }) | undefined {
  const task = taskAt(state, path);
  return task?.status === 'scheduled' && task.attempt === attempt ? task : awaitedAt(state, path, attempt);
}

/** The scopes of a loop that are open or kept, those of loops in them too, by path: the order in which they were loaded decides nothing. Throws ScopesNeeded unless all are loaded. */
export function scopesBelow(state: InstanceState, loop: TaskPath | ''): readonly ScopeState[] {
  if (state.partial !== undefined && !isWhole(state.partial.whole, loop)) throw new ScopesNeeded({ below: loop });
  const all = Object.values(state.scopes).filter((part): part is ScopeState => part.status !== 'child');
  const below = loop === '' ? all : all.filter(({ path }) => path.startsWith(`${loop}.`));
  if (below.length < 2) return below;
  // There may be ten thousand: each path is split once.
  const placed = below.map((scope) => ({ scope, segments: scope.path.split('.') }));
  return placed.sort((a, b) => compareSegments(a.segments, b.segments)).map(({ scope }) => scope);
}

/** By the names of their loops and the numbers of their items or rounds, the outer ones first. */
function compareSegments(ofA: readonly string[], ofB: readonly string[]): number {
  for (const [place, segment] of ofA.entries()) {
    const other = ofB[place];
    if (other === undefined) return 1;
    if (segment !== other) return place % 2 === 1 ? Number(segment) - Number(other) : segment < other ? -1 : 1;
  }
  return ofA.length - ofB.length;
}

function isWhole(whole: readonly (TaskPath | '')[], loop: TaskPath | ''): boolean {
  return whole.some((each) => each === loop || (loop !== '' && loop.startsWith(`${each}.`)));
}

/** A loop that has never run opens: all its scopes will be opened in this state. An earlier run of an item around it may have left some. */
export function withNewLoop(state: InstanceState, loop: TaskPath): Pick<InstanceState, 'partial'> {
  const { partial } = state;
  if (partial === undefined || isWhole(partial.whole, loop)) return {};
  if (!isFirstRun(state, scopePathOf(loop))) return {};
  return { partial: { ...partial, whole: [...partial.whole, loop] } };
}

/** Everything of the loop is in the state. */
export function withWholeLoop({ partial }: InstanceState, loop: TaskPath): Pick<InstanceState, 'partial'> {
  return partial === undefined || isWhole(partial.whole, loop) ? {} : { partial: { ...partial, whole: [...partial.whole, loop] } };
}

/** Whether no item around runs once more: then nothing in the scope can be left from an earlier run. */
export function isFirstRun(state: InstanceState, path: ScopePath): boolean {
  return scopeChain(path).every((around) => openScopeAt(state, around).firstAttempt === 1);
}

/** Whether children that earlier runs of a loop's items asked for may still be in the books. */
export function mayHaveChildren(state: InstanceState, loop: Pick<ForEachTask, 'path' | 'attempt'>): boolean {
  return loop.attempt > 1 || !isFirstRun(state, scopePathOf(loop.path));
}

/** How many children of the loop's items are in the books. Throws ScopesNeeded unless all of its scopes are loaded. */
export function countBooksOf(state: InstanceState, loop: TaskPath): number {
  if (state.partial !== undefined && !isWhole(state.partial.whole, loop)) throw new ScopesNeeded({ below: loop });
  const books = Object.values(state.scopes).filter((part): part is BookedChild => part.status === 'child');
  return books.filter((book) => loopPathOf(scopePathOf(taskOfBook(book))) === loop).length;
}

/** The loop has exited, and its scopes with it. */
export function withoutLoop({ partial }: InstanceState, loop: TaskPath): Pick<InstanceState, 'partial'> {
  if (partial === undefined) return {};
  const isOutside = (path: string) => path !== loop && !path.startsWith(`${loop}.`);
  // The books outlive the loop: a child that is not in them is not in them still.
  const absent = partial.absent.filter((path) => isOutside(path) || isBookPath(path));
  return { partial: { ...partial, absent, whole: partial.whole.filter(isOutside) } };
}

/** These scopes were dropped in this step, though the database still has them, so they must not be loaded again. */
export function withDropped({ partial }: InstanceState, paths: readonly ScopePath[]): Pick<InstanceState, 'partial'> {
  if (partial === undefined) return {};
  // Written in place: it belongs to the state under construction only, and a loop of many rounds drops one after the other.
  const dropped = partial.dropped ?? new Set<ScopePath>();
  for (const path of paths) dropped.add(path);
  return partial.dropped === undefined ? { partial: { ...partial, dropped } } : {};
}

/** All that is in the books, by path. Throws ScopesNeeded unless all scopes are loaded. */
export function allBooks(state: InstanceState): readonly BookedChild[] {
  if (state.partial !== undefined && !isWhole(state.partial.whole, '')) throw new ScopesNeeded({ below: '' });
  const books = Object.values(state.scopes).filter((part) => part.status === 'child');
  return books.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Open scopes of the whole instance, the outer ones first. Throws ScopesNeeded unless all are loaded. */
export function openScopes(state: InstanceState): readonly OpenScope[] {
  return scopesBelow(state, '').filter((scope) => scope.status === 'open');
}

/** The state with scopes that were loaded for a `ScopesNeeded`. What it asked for and is not among them does not exist. */
export function withScopes(state: InstanceState, needed: ScopesNeeded, loaded: readonly StatePart[]): InstanceState {
  if (state.partial === undefined) return state;
  const scopes: Record<ScopePath, StatePart> = { ...state.scopes };
  for (const scope of loaded) scopes[scope.path] ??= scope;
  if (needed.below === '') {
    const { partial: _, ...whole } = state;
    return { ...whole, scopes };
  }
  const absent = [...state.partial.absent, ...needed.paths.filter((path) => !Object.hasOwn(scopes, path))];
  const whole = needed.below === null ? state.partial.whole : [...state.partial.whole, needed.below];
  return { ...state, scopes, partial: { absent, whole } };
}

export function graphOf(definition: Definition, scope: Pick<ScopeState, 'loopId'>): Graph {
  return scope.loopId === null ? definition.root : loopOf(definition, scope.loopId).body;
}

export function loopOf(definition: Definition, loopId: NodeId): LoopNode {
  const node = nodeOf(definition, loopId);
  invariant(node.type === 'forEach' || node.type === 'repeat', 'a scope belongs to a loop');
  return node;
}

export function nodeOf(definition: Definition, nodeId: NodeId): Node {
  const node = definition.nodes.get(nodeId);
  invariant(node !== undefined, `version ${definition.version} of ${definition.id} has no node ${nodeId}`);
  return node;
}

/** Tasks of all scopes that the state holds, the outer ones first. */
export function tasksOf(state: Pick<InstanceState, 'scopes'>): readonly TaskState[] {
  return openOnes(state).flatMap(({ tasks }) => Object.values(tasks));
}

/** Incidents of all scopes that the state holds, by path. */
export function incidentsOf(state: Pick<InstanceState, 'scopes'>): Readonly<Record<string, Incident>> {
  return Object.assign({}, ...openOnes(state).map(({ incidents }) => incidents));
}

/** Timers of all scopes that the state holds, by id. */
export function timersOf(state: Pick<InstanceState, 'scopes'>): Readonly<Record<string, Timer>> {
  return Object.assign({}, ...openOnes(state).map(({ timers }) => timers));
}

function openOnes({ scopes }: Pick<InstanceState, 'scopes'>): readonly OpenScope[] {
  return Object.values(scopes).filter((scope) => scope.status === 'open');
}
