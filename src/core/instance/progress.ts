/**
 * Moves an instance on until nothing more can be decided: applies events, decides what follows from each, and ends the
 * scopes in which nothing is left. Everything that needs no work outside happens here, in the step that learned of its
 * cause. The only thing in the core that holds what changes: decisions look at its view and give events.
 */
import { assertNever } from '../assert.ts';
import type { Definition } from '../definition/types.ts';
import type { Meter } from '../expression/index.ts';
import type { EpochMs, ScopePath } from '../ids.ts';
import { behaviourOf } from '../nodes/registry.ts';
import { requestChild } from '../nodes/workflow/behaviour.ts';
import { own } from '../record.ts';
import { toldAfter } from './children/books.ts';
import { activateNode, openNode } from './follow-ups/activate.ts';
import { Arrivals } from './follow-ups/arrivals.ts';
import { exitNode } from './follow-ups/exit.ts';
import { followUpsOf, mayBeLeft, touchedBy } from './follow-ups/follow-ups.ts';
import { afterIncident, raisedAgain } from './follow-ups/retry-incident.ts';
import { settleScope } from './follow-ups/settle.ts';
import { settleUndoing, withCompensation } from './follow-ups/undo.ts';
import type { InstanceEvent } from './history/events.ts';
import { applyEvent } from './history/evolve.ts';
import { depthOf, graphOf, nodeOf, openScopeAt, openScopes, rootPath, scopeAt, scopePathOf, taskAt } from './state/scopes.ts';
import { type InstanceState, isOpen, isPaused } from './state/state.ts';
import type { StateBuilder } from './state/state-builder.ts';
import type { HistoryEntry } from './step.ts';
import type { Decided, FollowUp, NewEvent, RunLimits, View } from './view.ts';

/**
 * Work of expressions after which a step ends: about a tenth of a second of the most expensive ones, and more than almost any
 * workflow needs in one step.
 */
const STEP_UNITS = 25_000;
/** Beyond this, expressions fail for lack of fuel: work that cannot be left to the next step is bounded too. */
const UNITS_MAX = 125_000;
/** The cost of an event beside expressions: it is hashed, folded, encoded and written. */
const EVENT_UNITS = 2;

export class Progress {
  readonly history: HistoryEntry[] = [];
  readonly view: View;
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

  constructor(definition: Definition, builder: StateBuilder, now: EpochMs, limits: RunLimits) {
    this.#builder = builder;
    this.view = new LiveView(definition, builder, now, limits, this.#arrivals);
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
    for (const decided of events) for (const event of withCompensation(this.view, decided)) this.#applyOne(event);
  }

  #applyOne(event: NewEvent): void {
    // The spread of a member of the union is that member, with its time.
    const stamped = { ...event, at: this.view.now } as InstanceEvent;
    const seq = applyEvent(this.#builder, stamped);
    this.view.meter.units += EVENT_UNITS;
    this.history.push({ seq, cause: this.#cause, event: stamped });
    this.#count(stamped);
    this.#follow(stamped);
    const told = toldAfter(this.view, stamped);
    if (told.length > 0) this.apply(told);
  }

  /**
   * A paused instance stores outcomes and continues when it is resumed. When expressions did as much work as one step may, the
   * rest is left to a timer that is due at once. What is left follows from the state, so nothing else is stored.
   */
  goOn(): void {
    do {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        if (this.#isUsedUp && this.view.state.phase === 'running' && mayBeLeft(next)) this.#leave(next);
        else this.#decide(next);
      }
    } while (this.#settle());
  }

  finish(): InstanceState {
    return this.#builder.state;
  }

  get #isMoving(): boolean {
    const { phase } = this.view.state;
    return (phase === 'running' || phase === 'undoing') && !isPaused(this.view.state);
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
    const { events, first } = decideFollowUp(this.view, followUp);
    this.apply(events);
    if (first !== undefined && this.#isMoving) this.#decide(first);
  }

  /** The innermost scope first, since its end may open something in the one around it. @returns whether anything ended. */
  #settle(): boolean {
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
      this.apply(events);
      return events.length > 0;
    }
    if (!this.#isMoving || this.#hasMoreToDo) return false;
    const paths = [...this.#touched];
    if (paths.length > 1) paths.sort((a, b) => depthOf(b) - depthOf(a));
    this.#touched.clear();
    let hasEnded = false;
    for (const path of paths) {
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
  readonly definition: Definition;
  readonly now: EpochMs;
  readonly limits: RunLimits;
  readonly arrivals: Arrivals;
  readonly meter: Meter = { units: 0, max: UNITS_MAX };
  readonly #builder: StateBuilder;

  constructor(definition: Definition, builder: StateBuilder, now: EpochMs, limits: RunLimits, arrivals: Arrivals) {
    this.definition = definition;
    this.now = now;
    this.limits = limits;
    this.arrivals = arrivals;
    this.#builder = builder;
  }

  get state(): InstanceState {
    return this.#builder.current;
  }
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
