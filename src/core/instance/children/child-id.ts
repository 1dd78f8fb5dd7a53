/** The id of a child follows from what asked for it, so a replay gives the same, and each attempt has a child of its own. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { type Basis, type CommandId, type EpochMs, type InstanceId, taskIdOf } from '../../ids.ts';
import type { TaskState } from '../state/state.ts';

/** @param at of the event that asks for the child. */
export function childIdOf(instanceId: InstanceId, { path, attempt, basis }: AskingTask, at: EpochMs): InstanceId {
  return uuidOf(at, `${taskIdOf(instanceId, path)},${attempt},${basis}`) as InstanceId;
}

type AskingTask = Pick<TaskState, 'path' | 'attempt'> & { readonly basis: Basis };

/** Of the run of a schedule. */
export function runIdOf(scheduleId: InstanceId, run: number, at: EpochMs): InstanceId {
  return uuidOf(at, `${scheduleId},${run}`) as InstanceId;
}

/** A command that goes down to a child: however often the parent's is applied, the child takes it once. */
export function commandIdFor(commandId: CommandId, childId: InstanceId): CommandId {
  return uuidOf(timeOf(childId), `${commandId},${childId}`) as string as CommandId;
}

/** When an instance was asked for: a UUIDv7 begins with the ms of its making. */
export function timeOf(instanceId: InstanceId): EpochMs {
  return Number.parseInt(instanceId.slice(0, 8) + instanceId.slice(9, 13), 16);
}

/** A UUIDv7 of this time, whose other 74 bits are a hash instead of chance. */
function uuidOf(at: EpochMs, hashed: string): string {
  const bytes = sha256(utf8ToBytes(hashed)).slice(0, 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(at / 2 ** 32));
  view.setUint32(2, at >>> 0);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const hex = bytesToHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
