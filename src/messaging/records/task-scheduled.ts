/** The record TaskScheduled: a task to be run, from the instance that opened it to a worker of its queue. */

import { invariant } from '../../core/assert.ts';
import { type Basis, type DefinitionId, type InstanceId, parseTaskId, type TaskId, type TaskPath, taskIdOf } from '../../core/ids.ts';
import { engineVersion } from '../../core/instance/continuation/engine-version.ts';
import { sentTaskAt } from '../../core/instance/state/scopes.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { Json } from '../../core/json.ts';
import { isReference, needsReference, type PayloadReference, referenceTo } from '../../core/payload-reference.ts';
import { isSecretName, type SecretUse, secretEncodings } from '../../core/secrets.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { invalid } from './invalid.ts';

export type ScheduledTask = {
  readonly taskId: TaskId;
  readonly instanceId: InstanceId;
  readonly attempt: number;
  readonly basis: Basis;
  /** `null` stands for a kind of work that this version does not know. */
  readonly work: { readonly type: 'http' } | { readonly type: 'task'; readonly name: string } | null;
  /** null where there is a reference to it. */
  readonly input: Json;
  /** An input that is too large for a record: whoever runs the task gets it from the API. null: it is here. */
  readonly inputReference: PayloadReference | null;
  /** From the start of the attempt. */
  readonly timeoutMs: number;
  /** Places in the input where the worker puts secrets. */
  readonly secrets: readonly SecretUse[];
  /** By the clock of the instance database. */
  readonly dispatchedAt: number;
  readonly definitionId: DefinitionId;
  readonly definitionVersion: number;
  readonly queue: string | null;
  /** What a worker needs to go on by itself: the state, as JSON, and the number of the engine that decided it. null: it does not. */
  readonly continuation: { readonly engine: number; readonly state: string } | null;
};

/**
 * @param path of a task that a worker has under that attempt.
 * @param continuation the state that goes with it, as JSON; null: none.
 * @param referenceBytes an input of more bytes is named by a reference, and nobody goes on after such a task; 0: none is.
 */
export function toTaskRecord(
  state: InstanceState,
  path: TaskPath,
  attempt: number,
  continuation: string | null = null,
  referenceBytes = 0,
): records.TaskScheduled {
  const task = sentTaskAt(state, path, attempt);
  invariant(task !== undefined, 'only a task that a worker is to have is dispatched');
  const { instanceId, definitionId, definitionVersion } = state;
  const { nodeId, type, basis, dispatchedAt, payload } = task;
  const input = JSON.stringify(payload.input);
  const inputReference = needsReference(input, referenceBytes) ? referenceTo(input) : null;
  const isContinued = continuation !== null && inputReference === null;
  return {
    ...{ taskId: taskIdOf(instanceId, path), instanceId, nodeId, definitionId, definitionVersion, type, attempt, basis, dispatchedAt },
    // Empty is no JSON: a worker that does not know references does not take it for an input.
    ...{ task: payload.task, queue: payload.queue, input: inputReference === null ? input : '', timeoutMs: payload.timeoutMs },
    secrets: payload.secrets ?? null,
    continuation: isContinued ? { engine: engineVersion, state: continuation } : null,
    inputReference,
  };
}

export function readTaskRecord(value: records.TaskScheduled, key: Buffer): ScheduledTask | InvalidMessage {
  const id = parseTaskId(value.taskId);
  if (id === undefined || id.instanceId !== value.instanceId) return invalid('taskId and instanceId do not belong together');
  if (key.toString('utf8') !== value.instanceId) return invalid('the key is not the instance');
  if (value.attempt < 1 || value.basis === '' || !(value.timeoutMs > 0))
    return invalid('attempt, basis or timeoutMs has a value that it cannot have');
  const { inputReference } = value;
  if (inputReference !== null && !isReference(inputReference)) return invalid('the input has a reference that names nothing');
  const input = inputReference === null ? parseJsonStrict(value.input) : ({ ok: true, value: null } as const);
  if (!input.ok) return invalid(`the input cannot be read: ${input.reason}`);
  const secrets = secretsOf(value.secrets);
  if (secrets === null) return invalid('a reference to a secret has a path or a name that it cannot have');
  return {
    taskId: value.taskId as TaskId,
    instanceId: id.instanceId,
    attempt: value.attempt,
    basis: value.basis as Basis,
    work: workOf(value.type, value.task),
    input: input.value,
    inputReference: inputReference === null ? null : { bytes: inputReference.bytes, sha256: inputReference.sha256 },
    timeoutMs: value.timeoutMs,
    secrets,
    dispatchedAt: value.dispatchedAt,
    definitionId: value.definitionId as DefinitionId,
    definitionVersion: value.definitionVersion,
    queue: value.queue,
    continuation: value.continuation,
  };
}

/** null when one of them is invalid. */
function secretsOf(uses: records.TaskScheduled['secrets']): readonly SecretUse[] | null {
  const secrets: SecretUse[] = [];
  for (const { pointer, offset, name, encoding } of uses ?? []) {
    const known = secretEncodings.find((one) => one === encoding);
    if (known === undefined || offset < 0 || !isSecretName(name)) return null;
    secrets.push({ pointer, offset, name, encoding: known });
  }
  return secrets;
}

function workOf(type: string, name: string | null): ScheduledTask['work'] {
  if (type === 'http') return { type: 'http' };
  return type === 'task' && name !== null ? { type: 'task', name } : null;
}
