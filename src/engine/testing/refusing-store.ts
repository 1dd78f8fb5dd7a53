/**
 * One instance on a store that refuses steps by chance, driven through the real processor: random schedules in which notifications
 * cannot always be applied. Messages in flight follow from the effects that were written; a delivered message is gone, as after
 * its offset is committed.
 */

import type { Definition } from '../../core/definition/types.ts';
import { MillraceError } from '../../core/error.ts';
import type { Basis, CommandId, InstanceId, TaskPath } from '../../core/ids.ts';
import type { AddressedNotification, CommandIssued, Notification } from '../../core/instance/decide/notification.ts';
import { start } from '../../core/instance/index.ts';
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import { awaitedWork, bookAt, incidentsOf, sentTaskAt, taskAt, tasksOf } from '../../core/instance/state/scopes.ts';
import { type HumanTask, hasEnded, type InstanceState, isOpen, type TaskState } from '../../core/instance/state/state.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import type { Chance } from '../../core/instance/testing/chance.ts';
import { decision } from '../../core/instance/testing/people.ts';
import { smallSteps } from '../../core/instance/testing/world.ts';
import type { JsonObject } from '../../core/json.ts';
import { own } from '../../core/record.ts';
import { InstanceProcessor } from '../process/instance-processor.ts';
import { StateCache } from '../process/state-cache.ts';
import { silentObserver } from './silent-observer.ts';
import { SteeredStore } from './steered-store.ts';

const INSTANCE_ID = '01890000-0000-7000-8000-000000000003' as InstanceId;

/** What the database refuses of the messages that it is given. */
type Refusal = 'completions' | 'everything' | 'definition';

export class RefusingStore {
  readonly store = new SteeredStore();
  readonly #cache = new StateCache(1_000_000);
  readonly #processor: InstanceProcessor<AddressedNotification>;
  readonly #dispatched = new Map<TaskPath, { readonly attempt: number; readonly basis: Basis }>();
  readonly #timers = new Map<string, Effect & { type: 'armTimer' }>();
  readonly #waits = new Map<TaskPath, number>();
  /** The books: the path of the task that asked for each. */
  readonly #children = new Map<InstanceId, TaskPath>();
  readonly #refusals = new Map<string, Refusal>();
  /** Errors of what could not be applied. */
  unapplied = 0;
  #isUnreadable = false;
  #written = 0;
  #messages = 0;
  #now = Date.parse('2026-01-01T00:00:00Z');

  constructor(definition: Definition, input: JsonObject) {
    const command = { instanceId: INSTANCE_ID, input, businessKey: null, by: 'tester', cause: 'rest:1' };
    const started = start(definition, command, this.#now);
    if (!started.ok) throw new Error(`the start was refused: ${JSON.stringify(started.error)}`);
    this.store.put(INSTANCE_ID, started.value.state);
    this.#carryOut(started.value.effects, started.value.state);
    this.store.refuse = (transitions) =>
      transitions.some(({ history }) => history.some((entry) => this.#isRefused(entry, history)))
        ? new MillraceError('MR_STATE_TOO_LARGE', 'The state is too large.', { retryable: false })
        : null;
    this.#processor = new InstanceProcessor({
      store: this.store,
      definitions: {
        peek: () => (this.#isUnreadable ? undefined : definition),
        get: async () => {
          if (this.#isUnreadable) throw new MillraceError('MR_DEFINITION_UNREADABLE', 'refused now', { retryable: false });
          return definition;
        },
        find: async () => definition,
      },
      births: { bear: () => Promise.reject(new Error('the instance is there')) },
      outgoing: { ofEffects: () => [] },
      limits: smallSteps,
      now: () => this.#now,
      observer: { ...silentObserver, onUnapplied: () => void this.unapplied++ },
    });
  }

  get state(): InstanceState {
    const stored = this.store.stored(INSTANCE_ID);
    if (stored === undefined) throw new Error('no instance');
    return stored.state;
  }

  /** Gives a few notifications, some of which the database will refuse. */
  async act(chance: Chance): Promise<void> {
    const batch: AddressedNotification[] = [];
    for (let index = chance.below(3); index >= 0; index--) {
      const notification = this.#draw(chance);
      if (notification === undefined) continue;
      const addressed = this.#addressed(notification);
      const refusal = chance.pick(['completions', 'everything', 'definition', null, null, null] as const);
      if (refusal !== null && refusal !== undefined) this.#refusals.set(addressed.cause, refusal);
      batch.push(addressed);
    }
    this.#isUnreadable = batch.some(({ cause }) => this.#refusals.get(cause) === 'definition');
    this.#now += chance.below(3) * 700;
    await this.#process(batch);
  }

  /** Nothing is refused any more: retries and successes bring the instance to its end. */
  async finish(): Promise<void> {
    this.#refusals.clear();
    this.#isUnreadable = false;
    for (let round = 0; round < 120 && !hasEnded(this.state); round++) {
      const { paused, incidentCount } = this.state;
      const messages: Notification[] = [];
      if (paused !== null) messages.push(this.#command({ type: 'resume' }));
      else if (round % 5 === 4 && incidentCount > 0) messages.push(this.#command({ type: 'retry', path: null }));
      else {
        for (const path of [...this.#dispatched.keys()]) messages.push(...this.#outcome(path));
        for (const path of [...this.#waits.keys()]) messages.push(...this.#event(path));
        for (const task of this.#openTasks()) if (task.type === 'human' && task.status === 'open') messages.push(this.#completion(task));
        // An outcome that could not be applied is dropped, and its task is sent again, as by the redispatcher.
        for (const { path, attempt } of awaitedWork(this.state)) {
          if (this.state.phase === 'ending' && !this.#dispatched.has(path))
            messages.push(this.#command({ type: 'redispatch', path, attempt }));
        }
        for (const childId of this.#children.keys()) messages.push(...this.#end(childId));
        if (messages.length === 0) messages.push(...this.#fire([...this.#timers.keys()][0]));
      }
      await this.#process(messages.map((message) => this.#addressed(message)));
    }
  }

  /** Open tasks for which no message will ever come, and that no incident shows. */
  get stalled(): readonly TaskState[] {
    const { paused } = this.state;
    const incidents = incidentsOf(this.state);
    if (hasEnded(this.state) || paused !== null) return [];
    // The instance's own incident says that a timer of its own could not be applied: what a step left follows with its retry.
    const isLeft = (task: TaskState) =>
      task.type === 'workflow' && 'childId' in task && task.childId === null && own(incidents, '') !== undefined;
    return this.#openTasks().filter((task) => own(incidents, task.path) === undefined && !isLeft(task) && !this.#isAwaited(task));
  }

  #isAwaited(task: TaskState): boolean {
    if (task.status === 'scheduled') return this.#dispatched.get(task.path)?.attempt === task.attempt;
    if (task.status === 'retrying') return this.#timers.has(`${task.path}#retry`);
    if (task.type === 'wait') return this.#timers.has(`${task.path}#wait`);
    // Its items and rounds are open tasks of their own.
    if (task.type === 'forEach' || task.type === 'repeat') return true;
    // Whoever asks after children says again what was lost, and hears its end.
    if (task.type === 'workflow') return [...this.#children.values()].includes(task.path) || this.#timers.has('step');
    // People can always be asked again.
    return task.type === 'human' || this.#waits.get(task.path) === task.attempt;
  }

  #openTasks(): readonly TaskState[] {
    return tasksOf(this.state).filter(isOpen);
  }

  #isRefused({ cause, event }: HistoryEntry, history: readonly HistoryEntry[]): boolean {
    const refusal = this.#refusals.get(cause);
    if (refusal === 'completions') return event.type === 'TaskCompleted';
    if (refusal !== 'everything') return false;
    return !history.some(
      ({ event: each }) => each.type === 'CommandRefused' || (each.type === 'IncidentRaised' && each.incident.phase === 'message'),
    );
  }

  async #process(batch: readonly AddressedNotification[]): Promise<void> {
    await this.#processor.process(0, [{ instanceId: INSTANCE_ID, notifications: batch }], this.#cache);
    for (const { effects, after, history } of this.store.written.slice(this.#written)) {
      this.#carryOut(effects, after);
      // A wait goes on after each event but its last.
      for (const { event } of history) {
        const task = event.type === 'EventReceived' ? taskAt(after, event.path) : undefined;
        if (task?.status === 'open') this.#waits.set(task.path, task.attempt);
      }
    }
    this.#written = this.store.written.length;
  }

  #carryOut(effects: readonly Effect[], after: InstanceState): void {
    for (const effect of effects) {
      if (effect.type === 'dispatchTask') {
        const task = sentTaskAt(after, effect.path, effect.attempt);
        if (task !== undefined) this.#dispatched.set(effect.path, task);
      } else if (effect.type === 'armTimer') this.#timers.set(effect.timerId, effect);
      else if (effect.type === 'disarmTimer') this.#timers.delete(effect.timerId);
      else if (effect.type === 'openSubscription') this.#waits.set(effect.path, effect.attempt);
      else if (effect.type === 'closeSubscriptions') this.#waits.delete(effect.path);
      else if (effect.type === 'strikeChild') this.#children.delete(effect.childId);
      else if (effect.type === 'bookChild') {
        const book = bookAt(after, effect.path);
        if (book !== undefined) this.#children.set(book.childId, effect.path);
      }
    }
  }

  #draw(chance: Chance): Notification | undefined {
    switch (chance.below(10)) {
      case 0:
        return this.#command({ type: this.state.paused === null ? 'pause' : 'resume' });
      case 1:
        return this.#command({ type: 'retry', path: null });
      case 2:
        return this.#fire(chance.pick([...this.#timers.keys()]))[0];
      case 3:
        return this.#event(chance.pick([...this.#waits.keys()]))[0];
      case 4: {
        const task = chance.pick(this.#openTasks().filter(({ type }) => type === 'human'));
        return task?.type === 'human' && task.status === 'open' ? this.#completion(task) : undefined;
      }
      case 9:
        return this.#end(chance.pick([...this.#children.keys()]))[0];
      case 5: {
        const task = chance.pick(this.#openTasks().filter(({ status }) => status === 'scheduled'));
        return task === undefined ? undefined : this.#command({ type: 'redispatch', path: task.path, attempt: task.attempt });
      }
      default:
        return this.#outcome(chance.pick([...this.#dispatched.keys()]), chance.below(3) === 0)[0];
    }
  }

  #outcome(path: TaskPath | undefined, fails = false): readonly Notification[] {
    const sent = path === undefined ? undefined : this.#dispatched.get(path);
    if (path === undefined || sent === undefined) return [];
    this.#dispatched.delete(path);
    const { attempt, basis } = sent;
    const error = { code: 'BUSY', message: 'busy' };
    const result = fails
      ? ({ status: 'failed', error, retryable: true, retryAfterMs: null } as const)
      : ({ status: 'completed', output: 'done' } as const);
    return [{ type: 'TaskOutcome', path, attempt, basis, result }];
  }

  #fire(timerId: string | undefined): readonly Notification[] {
    const timer = timerId === undefined ? undefined : this.#timers.get(timerId);
    if (timerId === undefined || timer === undefined) return [];
    this.#timers.delete(timerId);
    this.#now = Math.max(this.#now, timer.dueAt);
    return [{ type: 'TimerFired', timerId, kind: timer.kind, dueAt: timer.dueAt }];
  }

  #event(path: TaskPath | undefined): readonly Notification[] {
    const attempt = path === undefined ? undefined : this.#waits.get(path);
    if (path === undefined || attempt === undefined) return [];
    this.#waits.delete(path);
    const id = String(this.#messages);
    const event = { id, source: 'test', type: 'paid', key: 'k', time: null, data: 10 };
    return [{ type: 'EventMatched', path, attempt, wait: 0, eventRowId: id, event, whereError: null }];
  }

  /** It stays in the books until it is applied, so it comes again. */
  #end(childId: InstanceId | undefined): readonly Notification[] {
    const path = childId === undefined ? undefined : this.#children.get(childId);
    const book = path === undefined ? undefined : bookAt(this.state, path);
    if (childId === undefined || path === undefined || book === undefined) return [];
    const parent = { kind: 'instance', instanceId: INSTANCE_ID, path, attempt: book.attempt } as const;
    if (book.detached) return [{ type: 'ChildEnd', childId, parent, result: { status: 'started' } }];
    return [{ type: 'ChildEnd', childId, parent, result: { status: 'completed', output: 'child' } }];
  }

  #completion(task: HumanTask): Notification {
    const { command, by } = decision(task);
    return this.#command(command, by);
  }

  #command(command: CommandIssued['command'], by = 'ada'): CommandIssued {
    const commandId = `01890000-0000-7000-9000-${String(++this.#messages).padStart(12, '0')}` as CommandId;
    return { type: 'CommandIssued', commandId, by, command };
  }

  #addressed(notification: Notification): AddressedNotification {
    return { instanceId: INSTANCE_ID, cause: `n/0@${this.#messages++}`, notification };
  }
}
