/** A parent hears what became of a child. The child leaves the books, whatever has become of its task meanwhile. */
import { assertNever } from '../../assert.ts';
import type { TaskPath } from '../../ids.ts';
import type { ChildEnd } from '../../instance/children/messages.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { awaitedChildAt, bookAt, taskAt } from '../../instance/state/scopes.ts';
import { type BookedChild, opensTasks, type TaskError } from '../../instance/state/state.ts';
import { accepted, type NewEvent, rejected, type Verdict, type View } from '../../instance/view.ts';

/** Also of an instance that is paused or has ended. */
export function decideChildEnd(view: View, { childId, parent, result }: ChildEnd): Verdict {
  const book = parent.kind === 'instance' ? bookAt(view.state, parent.path) : undefined;
  if (parent.kind !== 'instance' || book?.childId !== childId)
    return rejected('MR_CHILD_STALE', `The end of the child ${childId} was heard before.`);
  const { path } = parent;
  const { attempt } = book;
  if (result.status === 'unknown') return { events: [], rejection: null, answers: [{ type: 'startChild', path }] };
  if (result.status === 'started' && !book.detached)
    return rejected('MR_CHILD_STALE', `The child ${childId} is waited for, and has not ended.`);
  const ended: NewEvent = { type: 'ChildEnded', path, attempt, childId, result: result.status };
  const task = opensTasks(view.state) ? taskAt(view.state, path) : undefined;
  if (task?.type === 'workflow' && task.status === 'open' && task.attempt === attempt) return accepted(ended, endOf(task, book, result));
  return accepted(ended, ...lateEnd(view, path, attempt, result));
}

/** The node was cancelled before its child had ended. What that did all the same is undone. */
function lateEnd(view: View, path: TaskPath, attempt: number, result: ChildEnd['result']): readonly NewEvent[] {
  const entry = awaitedChildAt(view.state, path, attempt);
  if (entry === undefined) return [];
  const { nodeId, openedAt } = entry;
  const late = { type: 'AwaitedTaskEnded', path, nodeId, attempt, kind: 'workflow', openedAt } as const;
  switch (result.status) {
    case 'completed':
      return [{ ...late, status: 'completed', output: result.output, error: null }];
    case 'failed':
      return [{ ...late, status: 'failed', output: null, error: result.error }];
    default:
      return [{ ...late, status: 'cancelled', output: null, error: null }];
  }
}

type Task = Parameters<typeof taskCompleted>[0];

function endOf(task: Task, book: BookedChild, result: Exclude<ChildEnd['result'], { readonly status: 'unknown' }>): NewEvent {
  const fails = (code: string, what: string): NewEvent => taskFailed(task, 'failed', errorOf(book, code, what));
  switch (result.status) {
    case 'completed':
      return taskCompleted(task, result.output);
    case 'failed':
      return fails(result.error.code, `failed: ${result.error.message}`);
    case 'cancelled':
      return fails('CHILD_CANCELLED', 'was cancelled.');
    case 'started':
      return taskCompleted(task, { instanceId: book.childId });
    case 'gone':
      return fails(
        'MR_CHILD_GONE',
        'is not there, and was asked for so long ago that nobody can tell whether it ran. Retry asks for another one.',
      );
    default:
      return assertNever(result);
  }
}

function errorOf({ childId, definitionId }: BookedChild, code: string, what: string): TaskError {
  return { code, message: `The child ${childId} of ${definitionId} ${what}` };
}
