/**
 * The basis of a task: a hash of everything it was decided from.
 * Two runs of one step may give two results (a zombie worker, a timeout that races the outcome). The basis tells their
 * consequences apart: an outcome built on the result that lost never fits the open task (protocol, "A step" 1).
 */
import { sha256Hex } from '../../hash.ts';
import type { Basis, InstanceId } from '../../ids.ts';
import { canonicalJson, type Json } from '../../json.ts';
import type { ClosedTask, InstanceState } from '../state/state.ts';

/** 128 bits in hex: long enough to exclude collisions, short enough for every message. */
function hash(text: string): Basis {
  return sha256Hex(text).slice(0, 32) as Basis;
}

export function startBasis(instanceId: InstanceId, definitionId: string, version: number, input: Json): Basis {
  return hash(canonicalJson([instanceId, definitionId, version, input]));
}

/** What opened a task: the start of its instance, or the end of the task before it. */
export type Predecessor = { readonly kind: 'start'; readonly basis: Basis } | { readonly kind: 'task'; readonly task: ClosedTask };

/**
 * @param input what the new task was given; null for nodes that take none.
 * @param state of an instance that has moved to another version: what a worker decided by the version before is not taken for its.
 */
export function taskBasis(predecessor: Predecessor, input: Json, state: Pick<InstanceState, 'isMigrated' | 'definitionVersion'>): Basis {
  const version = state.isMigrated === true ? `v${state.definitionVersion},` : '';
  const given = `${version}${canonicalJson(input)}`;
  return hash(predecessor.kind === 'start' ? `${predecessor.basis},${given}` : `${outcomeText(predecessor.task)},${given}`);
}

/** Longer than this, an outcome is hashed once for all the tasks that it opens. */
const OUTCOME_LENGTH_MAX = 1_024;
const outcomeTexts = new WeakMap<ClosedTask, string>();

function outcomeText(task: ClosedTask): string {
  let text = outcomeTexts.get(task);
  if (text === undefined) {
    const { basis, path, attempt, status } = task;
    text = `${basis},${path},${attempt},${status},${canonicalJson(task.status === 'completed' ? task.output : null)}`;
    if (text.length > OUTCOME_LENGTH_MAX) {
      text = hash(text);
      outcomeTexts.set(task, text);
    }
  }
  return text;
}

/** For a compensation: the run of the node that it undoes. */
export function compensationBasis(done: Basis, attempt: number, seq: number): Basis {
  return hash(`undo,${done},${attempt},${seq}`);
}

/** Of an item or round: what its first tasks are decided from. */
export function scopeBasis(loop: Basis, attempt: number, index: number): Basis {
  return hash(`${loop},${attempt},${index}`);
}
