/** What the events of children mean to their parent: its books, and the tasks that ask for them. */
import { assertNever, invariant } from '../../assert.ts';
import { loopPathOf, scopeAt, scopePathOf } from '../state/scopes.ts';
import type { StateBuilder } from '../state/state-builder.ts';
import type { ChildEnded, InstanceEvent } from './events.ts';

type ChildEvent = InstanceEvent & { readonly type: 'WorkflowOpened' | 'ChildRequested' | 'ChildTold' | 'ChildEnded' };

export function applyChild(builder: StateBuilder, event: ChildEvent, seq: number): void {
  const { path, attempt, at } = event;
  switch (event.type) {
    case 'WorkflowOpened': {
      const { nodeId, basis, definitionId, version, detached, input, timeoutAt } = event;
      const task = { path, nodeId, attempt, basis, openedAt: at, type: 'workflow', status: 'open' } as const;
      builder.open({ ...task, definitionId, version, detached, input, inputSeq: seq, childId: null });
      if (timeoutAt !== null) builder.arm('timeout', path, attempt, at, timeoutAt);
      return;
    }
    case 'ChildRequested': {
      const task = builder.taskIn(path, 'open');
      invariant(task.type === 'workflow', 'only a workflow task asks for a child');
      const { childId } = event;
      const { definitionId, version, detached, input, inputSeq } = task;
      builder.book(path, { childId, attempt, definitionId, version, detached, wish: 'run', number: 1, input, inputSeq });
      builder.put({ ...task, childId });
      return;
    }
    case 'ChildTold': {
      builder.tell(path, event);
      return;
    }
    case 'ChildEnded':
      builder.strike(path);
      leaveLoop(builder, event);
      return;
    default:
      assertNever(event);
  }
}

/** The item whose child it was may be over, and the child have counted towards the window of its loop until now. */
function leaveLoop(builder: StateBuilder, { path }: ChildEnded): void {
  const item = scopePathOf(path);
  if (item === '' || scopeAt(builder.current, item)?.status === 'open') return;
  const loop = builder.find(loopPathOf(item));
  if (loop === undefined || !('ending' in loop) || loop.ending === undefined) return;
  builder.put({ ...loop, ending: loop.ending - 1 });
}
