/**
 * Opens a node: evaluates what it needs and emits what that leads to. An expression that fails, or gives a value of the
 * wrong shape, brings the node under incident; it never throws out of the core.
 */

import { assertNever } from '../assert.ts';
import { CORRELATION_KEY_LENGTH_MAX, characterCount } from '../correlation-key.ts';
import type {
  DurationSetting,
  EventNode,
  EventWait,
  HttpNode,
  HumanNode,
  InstantSetting,
  Node,
  PublishNode,
  TaskNode,
  WaitNode,
} from '../definition/types.ts';
import { parseDuration, parseInstant } from '../duration.ts';
import { ExpressionError, type Template } from '../expression/index.ts';
import { type Basis, type EpochMs, taskIdOf } from '../ids.ts';
import { isJsonObject, type Json, type JsonObject, jsonByteLength } from '../json.ts';
import { type Predecessor, taskBasis } from './basis.ts';
import { pathOf } from './join.ts';
import type { Run } from './run.ts';
import { scopeFor } from './scope.ts';
import type { Assignees, EventWaiting, TaskError } from './state.ts';

/** Longest correlation key, in characters. */
/** Longest title of a human task, in characters. */
const TITLE_LENGTH_MAX = 2_000;

/** A value an expression gave does not fit its place. */
export class UnfitValueError extends Error {
  readonly expression: string | null;

  constructor(message: string, expression: string | null = null) {
    super(message);
    this.expression = expression;
  }
}

/** Evaluates a node's expressions; turns a failure into the incident it means. */
export function evaluateOr<T>(
  evaluate: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: TaskError; readonly expression: string | null } {
  try {
    return { ok: true, value: evaluate() };
  } catch (error) {
    if (error instanceof ExpressionError)
      return { ok: false, error: { code: error.code, message: error.message }, expression: error.source };
    if (error instanceof UnfitValueError)
      return { ok: false, error: { code: 'MR_VALUE_UNFIT', message: error.message }, expression: error.expression };
    throw error;
  }
}

/** @param attempt 1, or one more than the attempt that a retry of an incident replaces. */
export function openNode(run: Run, node: Node, predecessor: Predecessor, attempt: number): void {
  const path = pathOf(node.id);
  const opening = evaluateOr(() => prepare(run, node, predecessor, attempt));
  if (opening.ok) {
    opening.value();
    return;
  }
  const { error, expression } = opening;
  run.emit({
    type: 'TaskFailed',
    path,
    nodeId: node.id,
    attempt,
    basis: taskBasis(predecessor, null),
    kind: node.type,
    status: 'failed',
    error,
    by: null,
    commandId: null,
  });
  run.emit({ type: 'IncidentRaised', path, incident: { nodeId: node.id, phase: 'open', error, expression } });
}

/** Evaluates everything first; what it returns only emits. So a failure leaves no half-opened node. */
function prepare(run: Run, node: Node, predecessor: Predecessor, attempt: number): () => void {
  switch (node.type) {
    case 'task':
    case 'http':
      return prepareAutomated(run, node, predecessor, attempt);
    case 'transform': {
      const output = boundedPayload(run, 'output', evaluate(run, node.output));
      return () => complete(run, node, attempt, taskBasis(predecessor, null), output);
    }
    case 'human':
      return prepareHuman(run, node, predecessor, attempt);
    case 'wait':
      return prepareWait(run, node, predecessor, attempt);
    case 'event':
      return prepareEvent(run, node, predecessor, attempt);
    case 'publish':
      return preparePublish(run, node, predecessor, attempt);
    case 'forEach':
    case 'repeat':
      throw new Error('Bug: a deploy refuses loops');
    default:
      return assertNever(node);
  }
}

function complete(run: Run, node: Node, attempt: number, basis: Basis, output: Json): void {
  const path = pathOf(node.id);
  run.emit({ type: 'TaskCompleted', path, nodeId: node.id, attempt, basis, kind: node.type, output, by: null, commandId: null });
  run.later({ leave: path });
}

function prepareAutomated(run: Run, node: TaskNode | HttpNode, predecessor: Predecessor, attempt: number): () => void {
  const input =
    node.type === 'task'
      ? boundedPayload(run, 'input', evaluate(run, node.input))
      : requestOf(boundedPayload(run, 'request', evaluate(run, node.request)));
  const timeoutMs = durationMs(run, node.timeout);
  const queueTimeoutMs = node.queueTimeout === null ? null : Math.max(durationMs(run, node.queueTimeout), timeoutMs);
  const payload = {
    task: node.type === 'task' ? node.task : null,
    queue: node.type === 'task' ? node.queue : null,
    input,
    timeoutMs,
    queueTimeoutMs,
  };
  const basis = taskBasis(predecessor, input);
  return () => run.emit({ type: 'TaskScheduled', path: pathOf(node.id), nodeId: node.id, attempt, basis, kind: node.type, payload });
}

/** The request as the worker gets it: header values are texts, an absent body stays absent. */
function requestOf(value: Json): Json {
  if (!isJsonObject(value)) throw new UnfitValueError('The request is not an object.');
  const { method, url, headers, body } = value;
  if (typeof method !== 'string') throw new UnfitValueError('`method` must be a text.');
  if (typeof url !== 'string') throw new UnfitValueError('`url` must be a text.');
  const request: Record<string, Json> = { method: method.toUpperCase(), url, headers: headerTexts(headers ?? {}) };
  if (body !== undefined) request.body = body;
  return request;
}

function headerTexts(headers: Json): JsonObject {
  if (!isJsonObject(headers)) throw new UnfitValueError('`headers` must be an object.');
  const texts: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) continue;
    if (typeof value === 'object') throw new UnfitValueError(`The header ${name} must be a text, a number or a bool.`);
    texts.push([name, String(value)]);
  }
  return Object.fromEntries(texts);
}

function prepareHuman(run: Run, node: HumanNode, predecessor: Predecessor, attempt: number): () => void {
  const title = textOf(evaluate(run, node.title), 'title', TITLE_LENGTH_MAX);
  const assignees = assigneesOf(evaluate(run, node.assignees), 'assignees');
  const after = (setting: DurationSetting | null): EpochMs | null => (setting === null ? null : run.now + durationMs(run, setting));
  const dueAt = after(node.due);
  const reminderAt = after(node.reminder);
  const timeoutAt = after(node.timeout);
  const escalation =
    node.escalate === null
      ? null
      : { at: run.now + durationMs(run, node.escalate.after), to: assigneesOf(evaluate(run, node.escalate.to), 'escalate.to') };
  const basis = taskBasis(predecessor, [title, assignees.users, assignees.roles]);
  return () =>
    run.emit({
      type: 'HumanTaskOpened',
      path: pathOf(node.id),
      nodeId: node.id,
      attempt,
      basis,
      title,
      assignees,
      dueAt,
      reminderAt,
      escalation,
      timeoutAt,
    });
}

function prepareWait(run: Run, node: WaitNode, predecessor: Predecessor, attempt: number): () => void {
  const until = node.wait.kind === 'for' ? run.now + durationMs(run, node.wait.duration, 0) : instantAt(run, node.wait.instant);
  const basis = taskBasis(predecessor, until);
  if (until <= run.now) return () => complete(run, node, attempt, basis, null);
  return () => run.emit({ type: 'WaitStarted', path: pathOf(node.id), nodeId: node.id, attempt, basis, until });
}

function prepareEvent(run: Run, node: EventNode, predecessor: Predecessor, attempt: number): () => void {
  const waits = node.waits.map((wait) => waitingOf(run, wait));
  const timeoutAt = node.timeout === null ? null : run.now + durationMs(run, node.timeout);
  const basis = taskBasis(predecessor, waits as readonly Json[]);
  return () =>
    run.emit({ type: 'EventAwaited', path: pathOf(node.id), nodeId: node.id, attempt, basis, waits, count: node.count, timeoutAt });
}

function waitingOf(run: Run, wait: EventWait): EventWaiting {
  const key = textOf(evaluate(run, wait.key), 'key', CORRELATION_KEY_LENGTH_MAX);
  if (wait.where === null) return { event: wait.event, key, where: null };
  return { event: wait.event, key, where: { source: wait.where.source, scope: frozenScope(run, wait.where.references) } };
}

/** The values that `where` mentions, as they are now: an event is weighed later, elsewhere, against these. */
function frozenScope(
  run: Run,
  references: EventWait['where'] extends infer W ? (W extends { references: infer R } ? R : never) : never,
): JsonObject {
  const whole = scopeFor(run, references);
  const scope: Record<string, Json> = {};
  for (const { root } of references) {
    const value = whole[root];
    if (root !== 'event' && value !== undefined) scope[root] = value;
  }
  return scope;
}

function preparePublish(run: Run, node: PublishNode, predecessor: Predecessor, attempt: number): () => void {
  const key = textOf(evaluate(run, node.key), 'key', CORRELATION_KEY_LENGTH_MAX);
  const data = boundedPayload(run, 'data', evaluate(run, node.data));
  const basis = taskBasis(predecessor, [node.event, key, data]);
  return () => {
    run.emit({
      type: 'EventPublished',
      path: pathOf(node.id),
      nodeId: node.id,
      attempt,
      basis,
      event: node.event,
      key,
      data,
      topic: node.topic,
    });
    complete(run, node, attempt, basis, null);
  };
}

/** The id of a published event: the same however often the publishing is repeated. */
export function publishedEventId(
  run: { readonly instanceId: Parameters<typeof taskIdOf>[0] },
  path: Parameters<typeof taskIdOf>[1],
  basis: Basis,
): string {
  return `${taskIdOf(run.instanceId, path)}:${basis}`;
}

function evaluate(run: Run, template: Template): Json {
  return template.evaluate(template.isConstant ? {} : scopeFor(run, template.references));
}

/** A value that travels in a message of its own sooner or later: bounded where it is made, so that its node is to blame. */
export function boundedPayload(run: Run, field: string, value: Json): Json {
  const { payloadBytes } = run.limits;
  const bytes = jsonByteLength(value);
  if (bytes <= payloadBytes) return value;
  throw new UnfitValueError(`\`${field}\` has ${bytes} bytes as JSON, but may have at most ${payloadBytes}: pass a reference to the data.`);
}

/** @param minMs of one that an expression gives; the others were checked at deploy. */
export function durationMs(run: Run, setting: DurationSetting, minMs = 1): number {
  if (setting.kind === 'constant') return setting.ms;
  const value = evaluate(run, setting.template);
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms !== undefined && ms < minMs) throw new UnfitValueError('A duration must be longer than nothing here.');
  if (ms === undefined) throw new UnfitValueError('A duration must be a text such as `30s`, `5m`, `2d` or ISO 8601.');
  return ms;
}

function instantAt(run: Run, setting: InstantSetting): EpochMs {
  if (setting.kind === 'constant') return setting.at;
  const value = evaluate(run, setting.template);
  const at = typeof value === 'string' ? parseInstant(value) : undefined;
  if (at === undefined) throw new UnfitValueError('A time must be an RFC 3339 text with an offset, such as `2026-01-31T09:00:00Z`.');
  return at;
}

function textOf(value: Json, field: string, lengthMax: number): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw new UnfitValueError(`\`${field}\` must be a text.`);
  if (value.length === 0 || characterCount(value) > lengthMax)
    throw new UnfitValueError(`\`${field}\` must have 1 to ${lengthMax} characters.`);
  if (value.includes('\u0000')) throw new UnfitValueError(`\`${field}\` must not hold a NUL character.`);
  return value;
}

function assigneesOf(value: Json, field: string): Assignees {
  if (!isJsonObject(value)) throw new UnfitValueError(`\`${field}\` must be an object with users and roles.`);
  const assignees = { users: namesOf(value.users, `${field}.users`), roles: namesOf(value.roles, `${field}.roles`) };
  if (assignees.users.length === 0 && assignees.roles.length === 0)
    throw new UnfitValueError(`\`${field}\` names nobody, so nobody could do the task.`);
  return assignees;
}

function namesOf(value: Json | undefined, field: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new UnfitValueError(`\`${field}\` must be a list of texts.`);
  return value.map((name: Json) => textOf(name, field, 256));
}
