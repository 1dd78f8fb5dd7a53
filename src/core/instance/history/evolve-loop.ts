/** What the events of loops mean: a forEach or repeat opens, its items or rounds begin and end. */
import { assertNever, invariant } from '../../assert.ts';
import type { ScopePath } from '../../ids.ts';
import { childTaskOf, countBooksOf, indexOf, loopPathOf, mayHaveChildren } from '../state/scopes.ts';
import type { ForEachTask } from '../state/state.ts';
import type { StateBuilder } from '../state/state-builder.ts';
import type { ForEachOpened, InstanceEvent, RepeatOpened, ScopeEnded, ScopeOpened } from './events.ts';

type LoopEvent = InstanceEvent & { readonly type: 'ForEachOpened' | 'RepeatOpened' | 'LoopDelayed' | 'ScopeOpened' | 'ScopeEnded' };

export function applyLoop(builder: StateBuilder, event: LoopEvent, seq: number): void {
  const { at } = event;
  switch (event.type) {
    case 'ForEachOpened': {
      const { path, nodeId, attempt, basis, items } = event;
      const waiting = event.indexes === undefined ? { from: 0 } : { indexes: event.indexes };
      const task = { path, nodeId, attempt, basis, openedAt: at, type: 'forEach', status: 'open' } as const;
      // Children of the items of an earlier attempt may still be in the books.
      const isFirst = event.children !== true || !mayHaveChildren(builder.current, event);
      const ending = event.children === true ? { ending: isFirst ? 0 : countBooksOf(builder.current, path) } : {};
      builder.open({ ...task, items, itemsSeq: seq, waiting, running: 0, failed: 0, ...ending, ...countingFrom(event) });
      armTimeout(builder, event);
      return;
    }
    case 'RepeatOpened': {
      const { path, nodeId, attempt, basis, firstRound, keeps } = event;
      const task = { path, nodeId, attempt, basis, openedAt: at, type: 'repeat', status: 'open' } as const;
      builder.open({
        ...task,
        round: firstRound,
        firstRound,
        running: false,
        ...(keeps === undefined ? {} : { keeps }),
        ...countingFrom(event),
      });
      armTimeout(builder, event);
      return;
    }
    case 'LoopDelayed': {
      const { attempt } = builder.taskIn(event.path, 'open');
      builder.arm('loop', event.path, attempt, at, event.until);
      return;
    }
    case 'ScopeOpened':
      openScope(builder, event);
      return;
    case 'ScopeEnded':
      endScope(builder, event, seq);
      return;
    default:
      assertNever(event);
  }
}

function countingFrom({ firstAttempt }: ForEachOpened | RepeatOpened): { readonly firstAttempt?: number } {
  return firstAttempt === undefined ? {} : { firstAttempt };
}

function armTimeout(builder: StateBuilder, { path, attempt, at, timeoutAt }: ForEachOpened | RepeatOpened): void {
  if (timeoutAt !== undefined) builder.arm('timeout', path, attempt, at, timeoutAt);
}

/** Whether a child of the item is in the books: with `ending` it counts towards the window of the loop while the item is not open. */
function endingWith(builder: StateBuilder, { ending }: ForEachTask, item: ScopePath, by: 1 | -1): { readonly ending?: number } {
  if (ending === undefined) return {};
  return { ending: builder.hasBooked(childTaskOf(item)) ? ending + by : ending };
}

function openScope(builder: StateBuilder, { scope: path, loopId, basis, firstAttempt }: ScopeOpened): void {
  builder.openScope({ path, status: 'open', loopId, basis, firstAttempt, tasks: {}, openCount: 0, incidents: {}, timers: {} });
  const loop = builder.taskIn(loopPathOf(path), 'open');
  builder.disarm('loop', loop.path);
  if (loop.type === 'repeat') builder.put({ ...loop, round: indexOf(path), running: true });
  else {
    invariant(loop.type === 'forEach', 'a scope belongs to a loop');
    const ending = mayHaveChildren(builder.current, loop) ? endingWith(builder, loop, path, -1) : {};
    builder.put({ ...loop, waiting: withoutFirst(loop.waiting), running: loop.running + 1, ...ending });
  }
}

function withoutFirst(waiting: ForEachTask['waiting']): ForEachTask['waiting'] {
  return 'from' in waiting ? { from: waiting.from + 1 } : { indexes: waiting.indexes.slice(1) };
}

function endScope(builder: StateBuilder, { scope: path, status, output, error }: ScopeEnded, seq: number): void {
  builder.endScope(path, { status, output, outputSeq: seq, error });
  const loop = builder.taskIn(loopPathOf(path), 'open');
  if (loop.type === 'repeat') {
    builder.put({ ...loop, running: false });
    if (loop.keeps === 'last') builder.dropRoundBefore(path);
  } else {
    invariant(loop.type === 'forEach', 'a scope belongs to a loop');
    const failed = loop.failed + Number(status === 'failed');
    builder.put({ ...loop, running: loop.running - 1, failed, ...endingWith(builder, loop, path, 1) });
  }
}
