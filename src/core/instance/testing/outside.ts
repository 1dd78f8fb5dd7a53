/**
 * What the store and the outbox hold of one instance, in memory, kept by the core's effects alone: dispatched tasks, timers,
 * subscriptions and the inbox.
 */
import type { Basis, InstanceId, TaskPath } from '../../ids.ts';
import type { Effect } from '../outgoing/effects.ts';
import { allBooks, bookAt, sentTaskAt, taskOfBook, tasksOf, timersOf } from '../state/scopes.ts';
import type { InstanceState, TimerKind } from '../state/state.ts';
import { holds, same } from './assertions.ts';

export type Dispatched = { readonly path: TaskPath; readonly attempt: number; readonly basis: Basis };
export type ArmedTimer = { readonly kind: TimerKind; readonly dueAt: number };
export type Subscription = { readonly path: TaskPath; readonly attempt: number; readonly wait: number };

export class Outside {
  readonly dispatched: Dispatched[] = [];
  readonly timers = new Map<string, ArmedTimer>();
  readonly subscriptions = new Map<string, Subscription>();
  /** The books, by task. */
  readonly children = new Map<TaskPath, InstanceId>();
  readonly asked = new Set<InstanceId>();
  readonly inbox = new Map<TaskPath, { readonly assignees: unknown }>();

  wasSent({ path, attempt, basis }: Dispatched): boolean {
    return this.dispatched.some((sent) => sent.path === path && sent.attempt === attempt && sent.basis === basis);
  }

  /** @param state after the step that has these effects. */
  carryOut(effects: readonly Effect[], state: InstanceState): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'dispatchTask': {
          const task = sentTaskAt(state, effect.path, effect.attempt);
          if (task === undefined) throw new Error(`${effect.path} was dispatched and no worker is to have it`);
          this.dispatched.push({ path: task.path, attempt: task.attempt, basis: task.basis });
          break;
        }
        case 'armTimer':
          this.timers.set(effect.timerId, { kind: effect.kind, dueAt: effect.dueAt });
          break;
        case 'disarmTimer':
          this.timers.delete(effect.timerId);
          break;
        case 'openSubscription':
          holds(!this.subscriptions.has(`${effect.path}/${effect.wait}`), 'a wait has one subscription');
          this.subscriptions.set(`${effect.path}/${effect.wait}`, { path: effect.path, attempt: effect.attempt, wait: effect.wait });
          break;
        case 'closeSubscriptions':
          for (const [id, { path }] of this.subscriptions) if (path === effect.path) this.subscriptions.delete(id);
          break;
        case 'openHumanTask':
        case 'reassignHumanTask':
          this.inbox.set(effect.path, { assignees: effect.assignees });
          break;
        case 'bookChild': {
          const book = bookAt(state, effect.path);
          if (book === undefined) throw new Error(`the child of ${effect.path} is written and not in the books`);
          holds(effect.message !== 'start' || !this.asked.has(book.childId), 'a child is asked for once');
          this.asked.add(book.childId);
          this.children.set(effect.path, book.childId);
          break;
        }
        case 'strikeChild':
          for (const [path, childId] of this.children) if (childId === effect.childId) this.children.delete(path);
          break;
        case 'closeHumanTask':
          this.inbox.delete(effect.path);
          break;
        default:
          break;
      }
    }
  }

  /** What the effects made of the tables is what the state says. */
  checkTables(state: InstanceState): void {
    const armed = Object.entries(timersOf(state)).flatMap(([id, timer]) =>
      timer.state === 'armed' ? [[id, { kind: timer.kind, dueAt: timer.dueAt }] as const] : [],
    );
    same(new Map(this.timers), new Map(armed), 'the armed timers are those of the state');
    const waits = new Map<string, unknown>();
    const people = new Map<string, unknown>();
    for (const task of tasksOf(state)) {
      if (task.status !== 'open') continue;
      if (task.type === 'human') people.set(task.path, { assignees: task.assignees });
      if (task.type !== 'event') continue;
      for (const wait of task.waits.keys()) waits.set(`${task.path}/${wait}`, { path: task.path, attempt: task.attempt, wait });
    }
    same(new Map(this.subscriptions), waits, 'the subscriptions are those of the open waits');
    const children = new Map(allBooks(state).map((book) => [taskOfBook(book), book.childId]));
    same(new Map(this.children), children, 'the rows of the books are those of the state');
    same(new Map(this.inbox), people, 'the inbox holds the open tasks of people');
  }
}
