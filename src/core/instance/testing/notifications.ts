/** Notifications for one instance: what happens next in it, as chance has it or such that everything succeeds. */
import type { CommandId, InstanceId, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';
import type { ChildEnd, ChildResult } from '../children/messages.ts';
import { attemptUnderIncident } from '../decide/command-preconditions.ts';
import type { AddressedNotification, CommandIssued, Notification, TaskOutcome } from '../decide/notification.ts';
import { awaitedWork, bookAt, incidentsOf, sentTaskAt, taskAt, tasksOf } from '../state/scopes.ts';
import { type InstanceState, isOpen } from '../state/state.ts';
import type { Chance } from './chance.ts';
import type { ArmedTimer, Dispatched, Outside } from './outside.ts';
import { type Act, anyAct, decision } from './people.ts';

/** Of the moment at which something is drawn. */
export type Moment = { readonly state: InstanceState; readonly delivered: readonly AddressedNotification[] };

export class Notifications {
  readonly #instanceId: InstanceId;
  readonly #outside: Outside;
  readonly #versions: readonly number[];
  readonly #reruns: boolean;
  #messages = 0;
  #commands = 0;
  #events = 0;

  /** @param versions of the definition: with more than one the instance is moved between them. @param reruns whether nodes run again. */
  constructor(instanceId: InstanceId, outside: Outside, versions: readonly number[] = [], reruns = false) {
    this.#reruns = reruns;
    this.#instanceId = instanceId;
    this.#outside = outside;
    this.#versions = versions;
  }

  /** What lets everything that is open succeed; the earliest timer when there is nothing else. */
  successes(state: InstanceState): AddressedNotification[] {
    const batch: Notification[] = [];
    for (const task of tasksOf(state)) {
      if (task.status === 'scheduled') batch.push(outcomeOf(task, { status: 'completed', output: 'done' }));
      else if (task.type === 'human' && task.status === 'open') batch.push(this.#act(decision(task)).notification);
    }
    for (const work of awaitedWork(state)) batch.push(outcomeOf(work, { status: 'completed', output: 'late' }));
    for (const { path, attempt, wait } of this.#outside.subscriptions.values()) batch.push(this.#event(path, attempt, wait, 10));
    batch.push(...this.ends(state));
    const timer = [...this.#outside.timers].sort(([, a], [, b]) => a.dueAt - b.dueAt)[0];
    if (timer !== undefined && batch.length === 0) batch.push(fired(timer));
    return batch.map((notification) => this.#addressed(notification));
  }

  /** What the children in the books come to when they do as they are told. */
  ends(state: InstanceState): ChildEnd[] {
    return [...this.#outside.children].map(([path, childId]) => {
      const book = bookAt(state, path);
      if (book?.detached === true) return this.#end(state, path, childId, { status: 'started' });
      return this.#end(state, path, childId, book?.wish === 'cancel' ? { status: 'cancelled' } : { status: 'completed', output: 'child' });
    });
  }

  /** What is left in the books when an instance has ended. */
  lastEnds(state: InstanceState): AddressedNotification[] {
    return this.ends(state).map((end) => this.#addressed(end));
  }

  #end({ instanceId }: InstanceState, path: TaskPath, childId: InstanceId, result: ChildResult): ChildEnd {
    return { type: 'ChildEnd', childId, parent: { kind: 'instance', instanceId, path, attempt: 1 }, result };
  }

  #drawEnd(chance: Chance, moment: Moment): AddressedNotification | null {
    const child = chance.pick([...this.#outside.children]);
    if (child === undefined) return this.#drawOutcome(chance, moment);
    const results: readonly ChildResult[] = [
      { status: 'completed', output: { of: 'child' } },
      { status: 'completed', output: null },
      { status: 'failed', error: { code: 'FATAL', message: 'the child broke' } },
      ...(['cancelled', 'started', 'unknown', 'gone'] as const).map((status): ChildResult => ({ status })),
    ];
    return this.#addressed(this.#end(moment.state, child[0], child[1], chance.pick(results) ?? { status: 'gone' }));
  }

  /** null when nothing of what was drawn is there. */
  draw(chance: Chance, moment: Moment): AddressedNotification | null {
    switch (chance.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return this.#drawOutcome(chance, moment);
      case 5:
      case 6: {
        const timer = chance.pick([...this.#outside.timers]);
        return timer === undefined ? this.#drawOutcome(chance, moment) : this.#addressed(fired(timer));
      }
      case 7: {
        const subscription = chance.pick([...this.#outside.subscriptions.values()]);
        if (subscription === undefined) return this.#drawOutcome(chance, moment);
        return this.#addressed(this.#event(subscription.path, subscription.attempt, subscription.wait, chance.below(12)));
      }
      case 8: {
        const path = chance.pick([...this.#outside.inbox.keys()]);
        if (path === undefined) return this.#drawOutcome(chance, moment);
        const task = taskAt(moment.state, path);
        return task?.type === 'human' && task.status === 'open' ? this.#act(anyAct(chance, task)) : this.#drawOutcome(chance, moment);
      }
      case 9:
      case 10:
      case 11:
        return this.#drawCommand(chance, moment);
      case 12:
      case 13:
        return this.#drawEnd(chance, moment);
      default: {
        const again = chance.pick(moment.delivered);
        return again === undefined ? this.#drawOutcome(chance, moment) : again;
      }
    }
  }

  #drawOutcome(chance: Chance, { state }: Moment): AddressedNotification | null {
    // The newest is the likeliest; an old one is late by then.
    const late = chance.below(3) === 0 ? chance.below(Math.max(1, this.#outside.dispatched.length)) : 0;
    const open = this.#outside.dispatched.filter((sent) => isAwaited(state, sent));
    const sent = late > 0 ? this.#outside.dispatched[late] : chance.pick(open);
    if (sent === undefined) return null;
    const error = { code: chance.below(4) === 0 ? 'FATAL' : 'BUSY', message: 'broken' };
    const results: readonly TaskOutcome['result'][] = [
      { status: 'completed', output: chance.below(3) },
      { status: 'completed', output: { n: 1 } },
      { status: 'completed', output: null },
      { status: 'failed', error, retryable: true, retryAfterMs: null },
      { status: 'failed', error, retryable: true, retryAfterMs: 5_000 },
      { status: 'failed', error, retryable: false, retryAfterMs: null },
      { status: 'timedOut', error: { code: 'TIMEOUT', message: 'slow' }, retryable: true, retryAfterMs: null },
      { status: 'returned' },
    ];
    const result = chance.pick(results) ?? { status: 'returned' };
    return this.#addressed(outcomeOf(sent, result));
  }

  #drawCommand(chance: Chance, { state }: Moment): AddressedNotification {
    if (this.#reruns && chance.below(6) === 0) {
      const ended = chance.pick(tasksOf(state).filter((task) => !isOpen(task)));
      if (ended !== undefined) return this.command({ type: 'rerunNode', path: ended.path, attempt: ended.attempt, reason: null });
    }
    if (this.#versions.length > 1 && chance.below(3) === 0)
      return this.command({ type: 'migrate', version: chance.pick(this.#versions) ?? 1, reason: null });
    const incidents = Object.keys(incidentsOf(state)).filter((path) => path !== '') as TaskPath[];
    const sent = chance.pick(this.#outside.dispatched);
    switch (chance.below(23)) {
      case 0:
        return this.command({ type: 'cancel', reason: null });
      case 1:
      case 2:
        return this.command({ type: 'pause' });
      case 3:
      case 4:
      case 5:
        return this.command({ type: 'resume' });
      case 6:
      case 7:
      case 8:
        return this.command({ type: 'retry', path: null });
      case 9:
      case 10: {
        const path = chance.pick(incidents) ?? null;
        const named = path === null ? incidents : [path];
        const raisedBy = Object.fromEntries(
          named.map((at) => [at, (attemptUnderIncident(state, at) ?? 0) - (chance.below(3) === 0 ? 1 : 0)]),
        );
        return this.command({ type: 'retry', path, raisedBy: chance.below(2) === 0 ? null : raisedBy });
      }
      case 20:
      case 21: {
        const paths = [...incidents, ...tasksOf(state).flatMap((task) => (isOpen(task) ? [task.path] : []))];
        const path = chance.pick(paths);
        if (path === undefined) return this.command({ type: 'resume' });
        const attempt = (taskAt(state, path)?.attempt ?? 1) - (chance.below(4) === 0 ? 1 : 0);
        if (chance.below(2) === 0) return this.command({ type: 'skipNode', path, attempt, reason: 'by hand' });
        return this.command({ type: 'completeNode', path, attempt, output: { n: chance.below(3) }, reason: null });
      }
      case 22:
        return this.command({ type: 'setVars', vars: { [chance.below(3) === 0 ? 'unknown' : 'x']: chance.below(3) }, reason: null });
      case 11:
      case 12:
        if (sent !== undefined) return this.command({ type: 'redispatch', path: sent.path, attempt: sent.attempt });
        return this.command({ type: 'pause' });
      default:
        return this.command({ type: state.paused === null ? 'pause' : 'resume' });
    }
  }

  #addressed(notification: Notification): AddressedNotification {
    return { instanceId: this.#instanceId, cause: `n/0@${this.#messages++}`, notification };
  }

  #act({ command, by }: Act): AddressedNotification {
    return this.command(command, by);
  }

  command(command: CommandIssued['command'], by = 'ada'): AddressedNotification {
    const commandId = `01890000-0000-7000-9000-${String(++this.#commands).padStart(12, '0')}` as CommandId;
    return this.#addressed({ type: 'CommandIssued', commandId, by, command });
  }

  /** It counts among no other commands. */
  migration(version: number): AddressedNotification {
    const commandId = '01890000-0000-7000-9001-000000000000' as CommandId;
    const command = { type: 'migrate', version, reason: null } as const;
    const notification = { type: 'CommandIssued', commandId, by: 'ada', command } as const;
    return { instanceId: this.#instanceId, cause: 'n/0@migration', notification };
  }

  #event(path: TaskPath, attempt: number, wait: number, n: number): Notification {
    const id = String(++this.#events);
    const event: Json = { id, type: 'paid', source: 'bank', key: 'k', time: null, data: { n } };
    return { type: 'EventMatched', path, attempt, wait, eventRowId: id, event, whereError: n === 11 ? 'There is no key.' : null };
  }
}

function outcomeOf({ path, attempt, basis }: Dispatched, result: TaskOutcome['result']): TaskOutcome {
  return { type: 'TaskOutcome', path, attempt, basis, result };
}

function fired([timerId, { kind, dueAt }]: readonly [string, ArmedTimer]): Notification {
  return { type: 'TimerFired', timerId, kind, dueAt };
}

function isAwaited(state: InstanceState, { path, attempt }: Dispatched): boolean {
  return sentTaskAt(state, path, attempt) !== undefined;
}
