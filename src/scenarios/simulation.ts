/**
 * One instance on the pure core in a simulated environment: work ends as the mocks say, the clock is a number, and events and
 * people act when a step says so. Timers, waits and tasks follow from the core's effects only, as in the store and the outbox, so
 * an instance behaves as in production.
 */
import { invariant } from '../core/assert.ts';
import type { Definition } from '../core/definition/types.ts';
import { type ExternalEvent, publishSource } from '../core/external-event.ts';
import type { CommandId, EpochMs, InstanceId, TaskPath } from '../core/ids.ts';
import type { CommandIssued, Notification } from '../core/instance/decide/notification.ts';
import { defaultRunLimits, start, step } from '../core/instance/index.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import { bookAt, nodeIdOfPath, taskAt } from '../core/instance/state/scopes.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { HistoryEntry, StepResult } from '../core/instance/step.ts';
import type { Json } from '../core/json.ts';
import { err, ok, type Result } from '../core/result.ts';
import { Agenda } from './agenda.ts';
import { EventBuffer } from './event-buffer.ts';
import type { Mocks } from './format.ts';
import { mockedEnd, mockedOutcome } from './mocked-work.ts';
import type { VersionsByPath } from './versions.ts';

/** Id of every simulated instance, so that scenarios can expect outputs that contain it. */
export const simulatedInstanceId = '00000000-0000-7000-8000-000000000001' as InstanceId;

/** Largest number of steps of a scenario, so that an endless loop in a definition ends its scenario only. */
export const stepsMaxDefault = 10_000;

export class EndlessScenario extends Error {}

export type Refusal = { readonly code: string; readonly message: string };

export type Beginning = {
  readonly definition: Definition;
  readonly input: Json;
  readonly businessKey: string | null;
  readonly startedBy: string;
  readonly startAt: EpochMs;
  readonly clock: 'auto' | 'manual';
  readonly mocks: Mocks;
  readonly stepsMax: number;
  /** Those that the instance may move to. */
  readonly versions: VersionsByPath;
};

/** What happened while the instance was on this version. */
export type HistoryPart = { readonly definition: Definition; readonly history: readonly HistoryEntry[] };

export class Simulation {
  readonly history: HistoryEntry[] = [];
  /** Paths of tasks that were sent to a worker and have no mock. */
  readonly unanswered = new Set<string>();
  readonly #versions: VersionsByPath;
  readonly #byNumber: ReadonlyMap<number, Definition>;
  readonly #parts: { readonly definition: Definition; readonly history: HistoryEntry[] }[];
  /** The version that the instance is on. */
  #definition: Definition;
  readonly #mocks: Mocks;
  readonly #clock: Beginning['clock'];
  readonly #agenda = new Agenda();
  readonly #events = new EventBuffer();
  #state: InstanceState;
  #now: EpochMs;
  #steps = 0;
  readonly #stepsMax: number;
  #commands = 0;
  #eventIds = 0;

  private constructor({ definition, mocks, clock, startAt, stepsMax, versions }: Beginning, started: StepResult) {
    this.#definition = definition;
    this.#versions = versions;
    this.#byNumber = new Map([definition, ...versions.values()].map((each) => [each.version, each]));
    this.#parts = [{ definition, history: [] }];
    this.#mocks = mocks;
    this.#clock = clock;
    this.#stepsMax = stepsMax;
    this.#now = startAt;
    this.#state = started.state;
    this.#take(started);
    this.#run();
  }

  static start(beginning: Beginning): Result<Simulation, Refusal> {
    const { definition, input, businessKey, startedBy, startAt } = beginning;
    const [invalid] = definition.input?.compiled.validate(input) ?? [];
    if (invalid !== undefined)
      return err({
        code: 'MR_INPUT_INVALID',
        message: `The input does not fit the definition: ${invalid.pointer || '/'}: ${invalid.message}`,
      });
    const started = start(definition, { instanceId: simulatedInstanceId, input, businessKey, by: startedBy, cause: 'scenario' }, startAt);
    if (!started.ok) return err({ code: 'MR_START_REFUSED', message: started.error.error.message });
    return ok(new Simulation(beginning, started.value));
  }

  get definition(): Definition {
    return this.#definition;
  }

  get parts(): readonly HistoryPart[] {
    return this.#parts;
  }

  /** @param path as a `migrate` step gives it. */
  readonly versionAt = (path: string): Definition => {
    const version = this.#versions.get(path);
    if (version === undefined) throw new Error(`Bug: the reader lets "${path}" pass, which it has not read`);
    return version;
  };

  get state(): InstanceState {
    return this.#state;
  }

  get now(): EpochMs {
    return this.#now;
  }

  /** Everything that is due until then happens at its time. */
  advanceTo(time: EpochMs): void {
    this.#runUntil(time);
    this.#now = Math.max(this.#now, time);
    this.#run();
  }

  nextEventId(): string {
    return `event-${++this.#eventIds}`;
  }

  receive(event: ExternalEvent): void {
    this.#enter(this.#events.receive(event, this.#now));
    this.#run();
  }

  /** @returns why the command changes nothing; null when it was applied. */
  command(command: CommandIssued['command'], by: string): Refusal | null {
    const commandId = `00000000-0000-7000-9000-${String(++this.#commands).padStart(12, '0')}` as CommandId;
    const { rejected, effects } = this.#happen([{ type: 'CommandIssued', commandId, by, command }]);
    const [rejection] = rejected;
    const refused = effects.find((effect) => effect.type === 'commandRefused');
    this.#run();
    if (refused !== undefined) return { code: refused.code, message: refused.reason };
    return rejection === undefined ? null : { code: rejection.rejection.code, message: rejection.rejection.reason };
  }

  /** Applies what is due, and, unless the clock is manual, later outcomes of work. */
  #run(): void {
    this.#runUntil(this.#now);
    while (this.#clock === 'auto' && this.#agenda.hasWork) this.#runUntil(this.#agenda.nextAt);
  }

  #runUntil(time: EpochMs): void {
    while (this.#agenda.nextAt <= time) {
      this.#now = Math.max(this.#now, this.#agenda.nextAt);
      this.#happen(this.#agenda.takeNext());
    }
  }

  /** Notifications of the same time are one batch, as in an orchestrator, which is much faster in wide loops. */
  #happen(notifications: readonly Notification[]): StepResult {
    if (++this.#steps > this.#stepsMax) throw new EndlessScenario(`The instance made more than ${this.#stepsMax} steps.`);
    const { instanceId } = this.#state;
    const addressed = notifications.map((notification) => ({ instanceId, cause: `scenario@${this.#steps}`, notification }));
    const result = step(this.#definition, this.#state, addressed, this.#now, defaultRunLimits, this.#byNumber);
    this.#state = result.state;
    this.#take(result);
    return result;
  }

  #take({ history, effects }: StepResult): void {
    for (const entry of history) this.#keep(entry);
    for (const effect of effects) this.#carryOut(effect);
    const opened = effects.filter((effect) => effect.type === 'openSubscription');
    if (opened.length > 0) this.#enter(this.#events.open(opened, this.#now));
  }

  #keep(entry: HistoryEntry): void {
    this.history.push(entry);
    const { event } = entry;
    if (event.type === 'InstanceMigrated') {
      const definition = this.#byNumber.get(event.toVersion);
      invariant(definition !== undefined, 'an instance moves to a version that it was given');
      this.#definition = definition;
      this.#parts.push({ definition, history: [] });
    }
    this.#parts.at(-1)?.history.push(entry);
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'dispatchTask':
        this.#dispatch(effect.path);
        break;
      case 'armTimer':
        this.#arm(effect);
        break;
      case 'disarmTimer':
        this.#agenda.cancel(effect.timerId);
        break;
      case 'bookChild':
      case 'startChild':
        this.#callChild(effect.path);
        break;
      case 'closeSubscriptions':
        this.#events.close(effect.path);
        break;
      case 'returnEvent':
        this.#enter(this.#events.giveBack(effect.eventRowId, this.#now));
        break;
      case 'publishEvent': {
        const { id, event: type, key, data, at } = effect;
        const source = publishSource(this.#state.definitionId);
        this.#enter(this.#events.receive({ id, type, source, key, time: at, data }, this.#now));
        break;
      }
      default:
        // Effects on the inbox and on lifecycle records: scenarios read state and history instead.
        break;
    }
  }

  #arm({ timerId, kind, dueAt }: Effect & { readonly type: 'armTimer' }): void {
    this.#agenda.cancel(timerId);
    const notification = { type: 'TimerFired', timerId, kind, dueAt } as const;
    this.#agenda.enter({ at: dueAt, id: timerId, kind: kind === 'retry' ? 'work' : 'time', notification });
  }

  #dispatch(path: Extract<Effect, { readonly type: 'dispatchTask' }>['path']): void {
    const task = taskAt(this.#state, path);
    if (task?.status !== 'scheduled') return;
    const mocked = mockedOutcome(this.#mocks, task);
    if (mocked === undefined) this.unanswered.add(path);
    if (mocked === undefined || mocked === null) return;
    const { attempt, basis } = task;
    this.#agenda.enter({
      at: this.#now + mocked.afterMs,
      id: null,
      kind: 'work',
      notification: { type: 'TaskOutcome', path, attempt, basis, result: mocked.result },
    });
  }

  /** A child ends as its mock says, or as soon as its parent wants it to. */
  #callChild(path: TaskPath): void {
    const book = bookAt(this.#state, path);
    // Paused or let run again, it goes on as it began.
    if (book === undefined || (book.wish !== 'cancel' && book.number > 1)) return;
    const { childId, attempt, wish, detached } = book;
    this.#agenda.cancel(childId);
    const mocked = detached || wish === 'cancel' ? null : mockedEnd(this.#mocks, { path, nodeId: nodeIdOfPath(path), attempt });
    if (mocked === undefined) this.unanswered.add(path);
    const told = { afterMs: 0, result: { status: detached ? 'started' : 'cancelled' } } as const;
    const end = detached || wish === 'cancel' ? told : mocked;
    if (end === undefined || end === null) return;
    const parent = { kind: 'instance', instanceId: this.#state.instanceId, path, attempt } as const;
    const notification = { type: 'ChildEnd', childId, parent, result: end.result } as const;
    this.#agenda.enter({ at: this.#now + end.afterMs, id: childId, kind: 'work', notification });
  }

  #enter(notifications: readonly Notification[]): void {
    for (const notification of notifications) this.#agenda.enter({ at: this.#now, id: null, kind: 'time', notification });
  }
}
