/**
 * What a type of node does: how it opens, what can come to its open task, and how it goes on. Each type has a folder here
 * with its reader and its behaviour; `registry.ts` lists them. A behaviour decides on a view and gives events; it keeps nothing.
 */
import type { DurationSetting, Node, NodeType } from '../../definition/types.ts';
import type { Template } from '../../expression/index.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import { type Predecessor, taskBasis } from '../../instance/attempts/basis.ts';
import { durationMs, evaluateTemplate } from '../../instance/expressions/evaluate.ts';
import type { Subject } from '../../instance/history/event-builders.ts';
import { scopeAt } from '../../instance/state/scopes.ts';
import type { OpenTask, TimerKind } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import type { Json } from '../../json.ts';
import { own } from '../../record.ts';
import type { WaitingFor } from './waiting-for.ts';

export type NodeOf<Type extends NodeType> = Node & { readonly type: Type };
export type TaskOf<Type extends NodeType> = OpenTask & { readonly type: Type };

/** A node that is about to open. */
export type Opening<N extends Node = Node> = {
  readonly view: View;
  readonly scope: ScopePath;
  readonly node: N;
  readonly path: TaskPath;
  /** 1, or one more than the attempt that a retry of an incident replaces. */
  readonly attempt: number;
  readonly predecessor: Predecessor;
};

export type NodeBehaviour<Type extends NodeType> = {
  /** Evaluates everything first: what it throws (ExpressionError, UnfitValueError) is an incident, and nothing has opened. */
  readonly open: (opening: Opening<NodeOf<Type>>) => readonly NewEvent[];
  /** A timer of the open task came due. Absent: it has none. */
  readonly fire?: (view: View, task: TaskOf<Type>, node: NodeOf<Type>, timer: TimerKind) => readonly NewEvent[];
  /**
   * A loop opened, or an item or round of it ended: what is next. Absent: it is no loop.
   * @param ended the item or round; null where the loop opened, or goes on after a pause or a delay.
   */
  readonly advance?: (view: View, task: TaskOf<Type>, node: NodeOf<Type>, ended: ScopePath | null) => readonly NewEvent[];
} & (Type extends OpenTask['type'] ? Shown<Type> : unknown);

/** What people are shown of a task that is open. A type whose tasks end where they open has none. */
type Shown<Type extends OpenTask['type']> = { readonly waitingFor: (task: TaskOf<Type>) => WaitingFor };

/** @param given what the basis of the task depends on beside its predecessor. */
export function subjectOf({ view, path, node, attempt, predecessor }: Opening, given: Json): Subject {
  return { path, nodeId: node.id, attempt, basis: taskBasis(predecessor, given, view.state), type: node.type };
}

/** The same, as events that open a task name it. */
export function openedOf({ view, path, node, attempt, predecessor }: Opening, given: Json): Omit<Subject, 'type'> {
  return { path, nodeId: node.id, attempt, basis: taskBasis(predecessor, given, view.state) };
}

/**
 * Where attempts in a loop that runs again from the start count on: its scopes are gone with their attempts, of which there were never more
 * than entries of the history.
 */
export function countingFrom({ view, scope, path }: Opening): { readonly firstAttempt?: number } {
  const at = scopeAt(view.state, scope);
  // Where the item around it runs again, so do the loops in it.
  const ranBefore = at?.status === 'open' && (at.firstAttempt > 1 || own(at.earlierAttempts ?? {}, path) !== undefined);
  return ranBefore ? { firstAttempt: view.state.seq + 1 } : {};
}

export function evaluateFor({ view, scope }: Opening, template: Template): Json {
  return evaluateTemplate(view, scope, template);
}

/** The instant that lies this long ahead; null where the node has no such setting. */
export function after({ view, scope }: Opening, setting: DurationSetting | null): number | null {
  return setting === null ? null : view.now + durationMs(view, scope, setting);
}
