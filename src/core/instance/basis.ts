/**
 * The basis of a task: a hash of everything it was decided from.
 * Two runs of one step may give two results (a zombie worker, a timeout that races the outcome). The basis tells their
 * consequences apart: an outcome built on the result that lost never fits the open task (protocol, "A step" 1).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Basis, InstanceId } from '../ids.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { ClosedTask } from './state.ts';

/** 128 bits in hex: collisions are out of reach, and short enough to travel in every message. */
function hash(parts: readonly Json[]): Basis {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(parts))).subarray(0, 16)) as Basis;
}

export function startBasis(instanceId: InstanceId, definitionId: string, version: number, input: Json): Basis {
  return hash([instanceId, definitionId, version, input]);
}

/** What opened a task: the start of its instance, or the end of the task before it. */
export type Opener = { readonly kind: 'start'; readonly basis: Basis } | { readonly kind: 'task'; readonly task: ClosedTask };

/** @param input what the new task was given; null for nodes that take none. */
export function taskBasis(opener: Opener, input: Json): Basis {
  if (opener.kind === 'start') return hash([opener.basis, input]);
  const { task } = opener;
  const output = task.status === 'completed' ? task.output : null;
  return hash([task.basis, task.path, task.attempt, task.status, output, input]);
}
