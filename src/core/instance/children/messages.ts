/** What parents and children tell each other. Each comes any number of times, late, in any order, or never. */
import type { DefinitionId, InstanceId } from '../../ids.ts';
import type { Json } from '../../json.ts';
import type { Parent, Wish } from '../state/parent.ts';
import type { TaskError } from '../state/state.ts';

export type { Parent, Wish };

export type ChildRequest = {
  readonly parent: Parent;
  /** How many instances stand above the child. */
  readonly depth: number;
  /** The parent wants to hear that it has started, and nothing more. */
  readonly detached: boolean;
  readonly wish: Wish;
  /** Of the wish, counted up by the parent: a child applies only a higher one than it has applied. */
  readonly number: number;
  readonly definitionId: DefinitionId;
  /** null: the latest, as whoever starts the child finds it. */
  readonly definitionVersion: number | null;
};

/** To the child: the wish, with all that a start needs. */
export type ChildStart = {
  readonly type: 'ChildStart';
  readonly request: ChildRequest;
  readonly input: Json;
  readonly businessKey: string | null;
};

/** To the child: the wish alone. Something changed, or the parent has not heard of the child for long. */
export type ChildWord = { readonly type: 'ChildWord'; readonly request: ChildRequest };

export type ChildResult =
  | { readonly status: 'completed'; readonly output: Json }
  | { readonly status: 'failed'; readonly error: TaskError }
  | { readonly status: 'cancelled' }
  /** To the parent of a detached child. */
  | { readonly status: 'started' }
  /** A word came, and there is no such child: the parent sends the start again. */
  | { readonly status: 'unknown' }
  /** There is no such child, and its id is too old to tell whether there ever was. */
  | { readonly status: 'gone' };

/** To the parent: what became of the child. */
export type ChildEnd = {
  readonly type: 'ChildEnd';
  readonly childId: InstanceId;
  readonly parent: Parent;
  readonly result: ChildResult;
};

/** The id that messages to a parent are addressed to. */
export function addressOf(parent: Parent): InstanceId {
  return parent.kind === 'instance' ? parent.instanceId : parent.scheduleId;
}
