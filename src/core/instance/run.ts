/**
 * One run of the core over an instance: collects the events that decisions make and keeps the state they lead to.
 * Decisions read `run.state` and call `run.emit`; nothing else in the core holds anything that changes.
 */

import { invariant } from '../assert.ts';
import type { Definition, Node } from '../definition/types.ts';
import type { EpochMs, InstanceId, NodeId, TaskPath } from '../ids.ts';
import { own } from '../record.ts';
import type { InstanceEvent } from './events.ts';
import { Draft } from './evolve.ts';
import { Arrivals } from './join.ts';
import type { InstanceState, TaskState } from './state.ts';
import type { HistoryEntry } from './step.ts';

/** `Omit` that keeps a union a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type NewEvent = Without<InstanceEvent, 'at'>;

/** An ended node whose edges are to be weighed, or a node whose join is to be looked at. */
export type Pending = { readonly leave: TaskPath } | { readonly consider: NodeId };

export type RunLimits = {
  /** Of what a node gives, takes or publishes, as JSON in UTF-8 bytes. */
  readonly payloadBytes: number;
};

export const defaultRunLimits: RunLimits = { payloadBytes: 524_288 };

export class Run {
  readonly definition: Definition;
  readonly now: EpochMs;
  readonly limits: RunLimits;
  readonly history: HistoryEntry[] = [];
  readonly arrivals: Arrivals;
  readonly #draft: Draft;
  /** What is to be decided next, oldest first, from `#decided` on. */
  readonly #pending: Pending[] = [];
  #decided = 0;
  #cause: string;

  private constructor(definition: Definition, draft: Draft, now: EpochMs, cause: string, limits: RunLimits) {
    this.definition = definition;
    this.limits = limits;
    this.arrivals = new Arrivals(definition);
    this.#draft = draft;
    this.now = now;
    this.#cause = cause;
  }

  static start(
    definition: Definition,
    instanceId: InstanceId,
    event: Without<InstanceEvent & { type: 'InstanceStarted' }, 'at'>,
    now: EpochMs,
    cause: string,
    limits: RunLimits,
  ): Run {
    const started = { ...event, at: now };
    const run = new Run(definition, Draft.started(instanceId, started, 1), now, cause, limits);
    run.history.push({ seq: 1, cause, event: started });
    return run;
  }

  static resume(definition: Definition, state: InstanceState, now: EpochMs, limits: RunLimits): Run {
    return new Run(definition, new Draft(state), now, '', limits);
  }

  /** Events from here on are caused by this message. */
  causedBy(cause: string): void {
    this.#cause = cause;
  }

  /** For reading at once; later events change what it holds. */
  get state(): InstanceState {
    return this.#draft.current;
  }

  finish(): InstanceState {
    return this.#draft.state;
  }

  emit(event: NewEvent): void {
    const stamped: InstanceEvent = { ...event, at: this.now };
    const seq = this.state.seq + 1;
    this.#draft.apply(stamped, seq);
    this.history.push({ seq, cause: this.#cause, event: stamped });
    if (event.type === 'NodeExited') this.arrivals.resolved(this.#nodeAt(event.path), event.takenEdges);
    else if (event.type === 'NodeSkipped' || event.type === 'TaskCancelled') this.arrivals.resolved(event.nodeId, []);
  }

  later(pending: Pending): void {
    this.#pending.push(pending);
  }

  next(): Pending | undefined {
    const next = this.#pending[this.#decided];
    if (next === undefined) this.forgetPending();
    else this.#decided++;
    return next;
  }

  forgetPending(): void {
    this.#pending.length = 0;
    this.#decided = 0;
  }

  get hasOpenTasks(): boolean {
    return this.#draft.openCount > 0;
  }

  #nodeAt(path: TaskPath): NodeId {
    const task = this.task(path);
    invariant(task !== undefined, `no task at ${path}`);
    return task.nodeId;
  }

  task(path: TaskPath): TaskState | undefined {
    return own(this.state.tasks, path);
  }

  node(nodeId: NodeId): Node {
    const node = this.definition.nodes.get(nodeId);
    invariant(node !== undefined, `version ${this.definition.version} of ${this.definition.id} has no node ${nodeId}`);
    return node;
  }
}
