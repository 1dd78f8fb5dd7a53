/** The id of a child follows from what asked for it, so a replay gives the same, and each attempt has a child of its own. */
import { sha256Hex } from '../../hash.ts';
import { type Basis, type CommandId, type EpochMs, type InstanceId, type JobId, taskIdOf } from '../../ids.ts';
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

/** The command of a job to an instance: a job gives an instance one command, however often its page is tried. */
export function commandIdOfJob(jobId: JobId, instanceId: InstanceId): CommandId {
  return uuidOf(timeOf(instanceId), `${jobId},${instanceId}`) as string as CommandId;
}

/** When an instance was asked for: a UUIDv7 begins with the ms of its making. */
export function timeOf(instanceId: InstanceId): EpochMs {
  return Number.parseInt(instanceId.slice(0, 8) + instanceId.slice(9, 13), 16);
}

/** A UUIDv7 of this time, whose other 74 bits are a hash instead of chance. */
function uuidOf(at: EpochMs, hashed: string): string {
  const hash = sha256Hex(hashed);
  const variant = (0x8 | (Number.parseInt(hash.slice(16, 17), 16) & 0x3)).toString(16);
  const hex = `${at.toString(16).padStart(12, '0')}7${hash.slice(13, 16)}${variant}${hash.slice(17, 32)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
