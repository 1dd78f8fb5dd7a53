/**
 * Moves an instance on until nothing more can be decided: applies events, decides what follows from each, and ends the
 * scopes in which nothing is left. Everything that needs no work outside happens here, in the step that learned of its
 * cause. The only thing in the core that holds what changes: decisions look at its view and give events.
 */
import { assertNever, invariant } from '../assert.ts';
import type { Definition } from '../definition/types.ts';
import type { Meter } from '../expression/index.ts';
import type { EpochMs, ScopePath } from '../ids.ts';
import { behaviourOf } from '../nodes/registry.ts';
import { requestChild } from '../nodes/workflow/behaviour.ts';
import { endsPart, type InParts } from '../parts.ts';
import { own } from '../record.ts';
import { areBooksEmpty, toldAfter } from './children/books.ts';
import type { Notification } from './decide/notification.ts';
import { activateNode, openNode } from './follow-ups/activate.ts';
import { Arrivals } from './follow-ups/arrivals.ts';
import { exitNode } from './follow-ups/exit.ts';
import { allNotActivated, followUpsOf, mayBeLeft, touchedBy } from './follow-ups/follow-ups.ts';
import { afterIncident, raisedAgain } from './follow-ups/retry-incident.ts';
import { settleScope } from './follow-ups/settle.ts';
import { settleUndoing, withCompensation } from './follow-ups/undo.ts';
import type { InstanceEvent } from './history/events.ts';
import { applyEvent } from './history/evolve.ts';
import { judgeMigration } from './migration/migrate.ts';
import { depthOf, graphOf, nodeOf, openScopeAt, openScopes, rootPath, scopeAt, scopePathOf, taskAt } from './state/scopes.ts';
import { type InstanceState, isOpen, isPaused, opensTasks } from './state/state.ts';
import type { StateBuilder } from './state/state-builder.ts';
import type { HistoryEntry } from './step.ts';
import type { Decided, FollowUp, MigrationVerdict, NewEvent, RunLimits, Versions, View } from './view.ts';

/** So many events of a decision need no parts. */
const EVENTS_FEW = 100;

/**
 * Work of expressions after which a step ends: about a tenth of a second of the most expensive ones, and more than almost any
 * workflow needs in one step.
 */
const STEP_UNITS = 25_000;
/** Beyond this, expressions fail for lack of fuel: work that cannot be left to the next step is bounded too. */
const UNITS_MAX = 125_000;
/** The cost of an event beside expressions: it is hashed, folded, encoded and written. */
const EVENT_UNITS = 2;
const NO_VERSIONS: Versions = new Map();

export class Progress {
  readonly history: HistoryEntry[] = [];
  readonly view: View;
  readonly #live: LiveView;
  readonly #builder: StateBuilder;
  readonly #arrivals = new Arrivals();
  /** What is to be decided next, oldest first, from `#decided` on. */
  readonly #pending: FollowUp[] = [];
  #decided = 0;
  readonly #touched = new Set<ScopePath>();
  readonly #unitsMax: number;
  /** Of the notifications before this one. */
  #unitsBefore = 0;
  #cause = '';

  constructor(definition: Definition, builder: StateBuilder, now: EpochMs, limits: RunLimits, versions: Versions = NO_VERSIONS) {
    this.#builder = builder;
    this.#live = new LiveView(definition, versions, builder, now, limits, this.#arrivals);
    this.view = this.#live;
    this.#unitsMax = limits.stepUnits ?? STEP_UNITS;
  }

  /** Events from here on name this message as their cause, and the work is counted from zero. */
  causedBy(cause: string): void {
    this.#cause = cause;
    this.#unitsBefore += this.view.meter.units;
    this.view.meter.units = 0;
  }

  /** The notifications so far did together as much work as one step may. */
  get hasWorkedEnough(): boolean {
    return this.#unitsBefore + this.view.meter.units >= this.#unitsMax;
  }

  /** The first entry, which the state already shows. */
  begin(event: InstanceEvent): void {
    this.history.push({ seq: this.view.state.seq, cause: this.#cause, event });
    this.#follow(event);
  }

  apply(events: readonly NewEvent[]): void {
    // Each scope is settled in the state that the scopes before it left.
    for (const decided of events) for (const event of withCompensation(this.view, decided)) this.apply(this.#applyOne(event));
  }

  /** What a `migrate` command is decided by, which looks at each node of each scope. Whatever comes later looks again. */
  judgingBefore(notification: Notification): InParts<void> | null {
    this.#live.judged = null;
    const command = notification.type === 'CommandIssued' ? notification.command : null;
    const target = command?.type === 'migrate' ? this.view.versions.get(command.version) : undefined;
    return target === undefined ? null : this.#judge(target);
  }

  *#judge(target: Definition): InParts<void> {
    this.#live.judged = yield* judgeMigration(this.view, target);
  }

  /**
   * As `apply`: a cancel ends thousands of tasks at once, and a pause tells thousands of children.
   * @returns null: it was little, and is done. Nearly all outcomes are, and a generator costs as much as an event.
   */
  applyLong(events: readonly NewEvent[]): InParts<void> | null {
    if (events.length > EVENTS_FEW || events.some(isOfAllScopes) || !areBooksEmpty(this.view.state)) return this.#applyInParts(events);
    this.apply(events);
    return null;
  }

  *#applyInParts(events: readonly NewEvent[]): InParts<void> {
    for (const [index, decided] of events.entries()) {
      if (endsPart(index)) yield;
      for (const event of withCompensation(this.view, decided)) {
        const stamped = this.#write(event);
        if (isOfAllScopes(event)) yield;
        this.#follow(stamped);
        if (isOfAllScopes(event)) yield;
        const told = toldAfter(this.view, stamped);
        if (told.length === 0) continue;
        if (told.length > 1) yield;
        yield* this.#applyInParts(told);
      }
    }
  }

  /** @returns what children are told because of it, which is applied next. */
  #applyOne(event: NewEvent): readonly NewEvent[] {
    const stamped = this.#write(event);
    this.#follow(stamped);
    return toldAfter(this.view, stamped);
  }

  /** Into the state and the history. */
  #write(event: NewEvent): InstanceEvent {
    // The spread of a member of the union is that member, with its time.
    const stamped = { ...event, at: this.view.now } as InstanceEvent;
    const seq = applyEvent(this.#builder, stamped);
    if (stamped.type === 'InstanceMigrated') this.#live.moveTo(stamped.toVersion);
    this.view.meter.units += EVENT_UNITS;
    this.history.push({ seq, cause: this.#cause, event: stamped });
    this.#count(stamped);
    return stamped;
  }

  /**
   * A paused instance stores outcomes and continues when it is resumed. When expressions did as much work as one step may, the
   * rest is left to a timer that is due at once. What is left follows from the state, so nothing else is stored.
   */
  *goOn(): InParts<void> {
    let decided = 0;
    do {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        if (endsPart(decided++)) yield;
        if (this.#isUsedUp && this.view.state.phase === 'running' && mayBeLeft(next)) this.#leave(next);
        else this.#decide(next);
      }
    } while (yield* this.#settle());
  }

  finish(): InstanceState {
    return this.#builder.state;
  }

  get #isMoving(): boolean {
    return opensTasks(this.view.state) && !isPaused(this.view.state);
  }

  get #isUsedUp(): boolean {
    return this.view.meter.units >= this.#unitsMax;
  }

  /** The end of a scope in which something is left to be decided would come too early. */
  get #hasMoreToDo(): boolean {
    return own(openScopeAt(this.view.state, rootPath).timers, 'step') !== undefined;
  }

  #leave(followUp: FollowUp): void {
    if (followUp.kind === 'retry') this.apply(raisedAgain(this.view, followUp));
    else this.#limit();
  }

  /** Due 1 ms later than now, so that each of these timers has its own time and a repeated one is recognised. */
  #limit(): void {
    if (!this.#hasMoreToDo) this.apply([{ type: 'StepLimited', until: this.view.now + 1 }]);
  }

  #follow(event: InstanceEvent): void {
    // An instance that is ending drops all pending follow-ups.
    if (event.type === 'InstanceEnding') this.#forget();
    if (event.type === 'InstanceResumed' || event.type === 'ParentWished' || event.type === 'StepContinued') {
      // All of it is derived from the state, in the right order. What is pending at a resume would be decided twice; a retry leads to
      // `StepContinued` too, and the other retries of its command are pending then.
      if (event.type !== 'StepContinued') this.#forget();
      this.#touched.clear();
      for (const { path } of openScopes(this.view.state)) this.#touched.add(path);
    }
    const touched = touchedBy(event);
    if (touched !== null) this.#touched.add(touched);
    for (const followUp of followUpsOf(this.view, event)) this.#pending.push(followUp);
  }

  #count(event: InstanceEvent): void {
    if (event.type === 'ScopeOpened') this.#arrivals.forget(event.scope);
    if (event.type === 'NodeRerun') this.#arrivals.forget(scopePathOf(event.path));
    if (event.type !== 'NodeExited' && event.type !== 'NodeSkipped' && event.type !== 'TaskCancelled') return;
    const path = scopePathOf(event.path);
    const scope = scopeAt(this.view.state, path);
    const nodeId = event.type === 'NodeExited' ? taskAt(this.view.state, event.path)?.nodeId : event.nodeId;
    if (scope === undefined || nodeId === undefined) return;
    const taken = event.type === 'NodeExited' ? event.takenEdges : [];
    this.#arrivals.resolved(graphOf(this.view.definition, scope), path, nodeId, taken);
  }

  #next(): FollowUp | undefined {
    const next = this.#isMoving ? this.#pending[this.#decided] : undefined;
    if (next === undefined) this.#forget();
    else this.#decided++;
    return next;
  }

  #forget(): void {
    this.#pending.length = 0;
    this.#decided = 0;
  }

  #decide(followUp: FollowUp): void {
    const { events, first, later = [] } = decideFollowUp(this.view, followUp);
    this.apply(events);
    for (const one of later) this.#pending.push(one);
    if (first !== undefined && this.#isMoving) this.#decide(first);
  }

  /** The innermost scope first, since its end may open something in the one around it. @returns whether anything ended. */
  *#settle(): InParts<boolean> {
    const { phase } = this.view.state;
    if (isPaused(this.view.state)) return false;
    if (phase === 'ending' || phase === 'undoing') {
      if (this.#hasMoreToDo) return false;
      // Compensations that the engine runs by itself are bounded by the limit of a step too.
      if (this.#isUsedUp) {
        this.#limit();
        return false;
      }
      const events = settleUndoing(this.view);
      const applying = this.applyLong(events);
      if (applying !== null) yield* applying;
      return events.length > 0;
    }
    if (!this.#isMoving || this.#hasMoreToDo) return false;
    const paths = [...this.#touched];
    if (paths.length > 1) paths.sort((a, b) => depthOf(b) - depthOf(a));
    this.#touched.clear();
    let hasEnded = false;
    let settled = 0;
    for (const path of paths) {
      if (endsPart(settled++)) yield;
      if (this.#isUsedUp) {
        this.#limit();
        return false;
      }
      const events = this.#isMoving ? settleScope(this.view, path) : [];
      this.apply(events);
      hasEnded ||= events.length > 0;
    }
    return hasEnded;
  }
}

/** Always of the state after all events so far. A class, since an object with a getter of its own costs as much as a decision. */
class LiveView implements View {
  judged: MigrationVerdict | null = null;
  readonly versions: Versions;
  readonly now: EpochMs;
  readonly limits: RunLimits;
  readonly arrivals: Arrivals;
  readonly meter: Meter = { units: 0, max: UNITS_MAX };
  readonly #builder: StateBuilder;
  #definition: Definition;

  constructor(definition: Definition, versions: Versions, builder: StateBuilder, now: EpochMs, limits: RunLimits, arrivals: Arrivals) {
    this.#definition = definition;
    this.versions = versions;
    this.now = now;
    this.limits = limits;
    this.arrivals = arrivals;
    this.#builder = builder;
  }

  get definition(): Definition {
    return this.#definition;
  }

  get state(): InstanceState {
    return this.#builder.current;
  }

  /** What has arrived is counted anew, by the graphs of that version. */
  moveTo(version: number): void {
    const definition = this.versions.get(version);
    invariant(definition !== undefined, 'an instance moves to a version that is known');
    this.#definition = definition;
    this.arrivals.forgetAll();
  }
}

/** Each looks at all scopes several times, of which there may be ten thousand. */
function isOfAllScopes({ type }: NewEvent): boolean {
  return type === 'InstancePaused' || type === 'InstanceResumed' || type === 'ParentWished';
}

function decideFollowUp(view: View, followUp: FollowUp): Decided {
  switch (followUp.kind) {
    case 'exit':
      return { events: exitNode(view, followUp.path) };
    case 'activate':
      return activateNode(view, followUp.scope, followUp.nodeId);
    case 'open':
      return { events: openNode(view, followUp.scope, followUp.nodeId, followUp.attempt, followUp.predecessor) };
    case 'advanceLoop':
      return { events: advanceLoop(view, followUp) };
    case 'requestChild':
      return { events: requestChild(view, followUp.path) };
    case 'activateAll':
      return { events: [], later: allNotActivated(view) };
    case 'retry':
      return afterIncident(view, followUp.path, followUp.phase, followUp.commandId);
    default:
      return assertNever(followUp);
  }
}

function advanceLoop(view: View, { path, ended }: FollowUp & { readonly kind: 'advanceLoop' }): readonly NewEvent[] {
  const task = taskAt(view.state, path);
  if (task === undefined || !isOpen(task)) return [];
  const { advance } = behaviourOf(task.type);
  return advance === undefined ? [] : advance(view, task as never, nodeOf(view.definition, task.nodeId) as never, ended);
}
