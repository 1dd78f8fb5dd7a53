/**
 * An engine in memory behind the API's ports, for unit tests: it keeps what it is given, and the pure core moves it on at
 * once, as the orchestrator would a little later. `hold` keeps commands pending. Not a store: nothing here is concurrent.
 */

import { type FlatState, flat } from '../../../test/support/flat-state.ts';
import { parseDefinition } from '../../core/definition/index.ts';
import type { DefinitionId, EpochMs, InstanceId, TaskPath } from '../../core/ids.ts';
import { taskIdOf } from '../../core/ids.ts';
import type { CommandIssued, Notification, RaisedBy, TaskOutcome } from '../../core/instance/decide/notification.ts';
import { statusOf, step } from '../../core/instance/index.ts';
import { taskAt, tasksOf } from '../../core/instance/state/scopes.ts';
import type { InstanceState, TaskState } from '../../core/instance/state/state.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import type { Json } from '../../core/json.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { createDefinitionCache } from '../../store/definition-cache.ts';
import type { ApiKey, ApiKeyRole, Page, StoredDefinition } from '../../store/definition-store.ts';
import { humanRecords } from '../../store/human-record.ts';
import type { DeadLetterRow, HumanTaskRow, InstanceRow, PendingCommand, TaskRow } from '../../store/instance-queries.ts';
import type { CommandResult, NewCommand, Start, StartResult } from '../../store/instance-store.ts';
import { digestOf } from '../auth.ts';
import { createInstanceWatch } from '../instance-watch.ts';
import type { ApiPorts } from '../ports.ts';

type Kept = { state: InstanceState; version: number; readonly history: HistoryEntry[]; pending: PendingCommand[] };

export class MemoryEngine {
  readonly watch = createInstanceWatch();
  readonly published: OutboxMessage[] = [];
  readonly eventTypes = new Set<string>();
  readonly deadLetters: DeadLetterRow[] = [];
  now: EpochMs = Date.parse('2026-01-01T00:00:00Z');
  /** true: commands stay pending until `release`. */
  hold = false;
  /** Thrown by the next start, once. */
  failNextStart: Error | null = null;
  readonly batches: number[] = [];
  readonly #keys = new Map<string, ApiKey>();
  readonly #definitions = new Map<string, StoredDefinition[]>();
  readonly #instances = new Map<InstanceId, Kept>();
  readonly #idempotency = new Map<string, { readonly bodyHash: string; readonly instanceId: InstanceId; readonly version: number }>();
  readonly #results = new Map<string, CommandResult>();
  readonly #decided = new Set<string>();
  readonly #claims = new Map<string, string>();
  readonly #held: { readonly command: NewCommand; readonly issued: CommandIssued }[] = [];

  /** @returns the secret, for `authorization`. */
  addKey(role: ApiKeyRole, subject: string, taskRoles: readonly string[] = []): string {
    const secret = `key-of-${subject}-${role}-0123456789`;
    this.#keys.set(digestOf(secret), { keyId: subject, subject, role, taskRoles, createdAt: this.now });
    return secret;
  }

  removeKey(secret: string): void {
    this.#keys.delete(digestOf(secret));
  }

  /** Moves an instance on, as the orchestrator does. */
  async apply(instanceId: InstanceId, notification: Notification): Promise<void> {
    const kept = this.#kept(instanceId);
    const definition = await this.#cache.get(kept.state.definitionId, kept.state.definitionVersion);
    if (definition === null) throw new Error('the test deleted a definition');
    const result = step(definition, kept.state, [{ instanceId, cause: `n/0@${kept.version}`, notification }], this.now);
    kept.state = result.state;
    kept.history.push(...result.history);
    if (result.history.length > 0) kept.version++;
    for (const effect of result.effects) {
      if (effect.type === 'commandApplied') this.#results.set(effect.commandId, { status: 'applied', at: this.now });
      else if (effect.type === 'commandRefused')
        this.#results.set(effect.commandId, { status: 'refused', code: effect.code, reason: effect.reason, at: this.now });
    }
    if (notification.type === 'CommandIssued') kept.pending = kept.pending.filter(({ commandId }) => commandId !== notification.commandId);
    this.watch.changed(instanceId);
  }

  /** An automated task ends well. */
  async completes(instanceId: InstanceId, path: string, output: Json): Promise<void> {
    await this.ends(instanceId, path, { status: 'completed', output });
  }

  /** The open attempt of an automated task ends, as a worker says. */
  async ends(instanceId: InstanceId, path: string, result: TaskOutcome['result']): Promise<void> {
    const task = taskAt(this.#kept(instanceId).state, path as TaskPath);
    if (task === undefined) throw new Error(`no task ${path}`);
    const { attempt, basis } = task;
    await this.apply(instanceId, { type: 'TaskOutcome', path: task.path, attempt, basis, result });
  }

  /** Applies what `hold` kept back. */
  async release(): Promise<void> {
    for (const { command, issued } of this.#held.splice(0)) await this.apply(command.instanceId, issued);
  }

  state(instanceId: string): FlatState {
    return flat(this.#kept(instanceId as InstanceId).state);
  }

  #kept(instanceId: InstanceId): Kept {
    const kept = this.#instances.get(instanceId);
    if (kept === undefined) throw new Error(`no instance ${instanceId}`);
    return kept;
  }

  readonly definitions: ApiPorts['definitions'] = {
    deploy: async (id, document, contentHash, by) => {
      const versions = this.#definitions.get(id) ?? [];
      const same = versions.find((version) => version.contentHash === contentHash);
      if (same !== undefined) return { version: same.version, created: false };
      const version = versions.length + 1;
      this.#definitions.set(id, [...versions, { id, version, document, contentHash, deployedAt: this.now, deployedBy: by }]);
      return { version, created: true };
    },
    get: async (id, version) => {
      const versions = this.#definitions.get(id) ?? [];
      return (version === 'latest' ? versions.at(-1) : versions[version - 1]) ?? null;
    },
    list: async (limit, cursor) =>
      pageOf(
        [...this.#definitions].map(([id, versions]) => ({
          id: id as DefinitionId,
          latestVersion: versions.length,
          versions: versions.length,
          deployedAt: this.now,
        })),
        limit,
        cursor,
      ),
    versions: async (id) => this.#definitions.get(id) ?? [],
    findApiKey: async (hash) => this.#keys.get(hash.toString('hex')) ?? null,
  };
  readonly #cache = createDefinitionCache(this.definitions);

  async #start({ transition, idempotency }: Start): Promise<StartResult> {
    const { instanceId, after, history } = transition;
    if (idempotency !== null) {
      const scope = `${after.definitionId} ${idempotency.key}`;
      const used = this.#idempotency.get(scope);
      if (used !== undefined)
        return used.bodyHash === idempotency.bodyHash
          ? { kind: 'repeated', instanceId: used.instanceId, definitionVersion: used.version }
          : { kind: 'keyReused' };
      this.#idempotency.set(scope, { bodyHash: idempotency.bodyHash, instanceId, version: after.definitionVersion });
    }
    this.#instances.set(instanceId, { state: after, version: 1, history: [...history], pending: [] });
    return { kind: 'started' };
  }

  readonly instances: ApiPorts['instances'] = {
    start: async (starts) => {
      this.batches.push(starts.length);
      const failure = this.failNextStart;
      this.failNextStart = null;
      if (failure !== null) throw failure;
      return await Promise.all(starts.map((start) => this.#start(start)));
    },
    issueCommand: async (command) => {
      const { commandId, instanceId, path, attempt, type, payload, by } = command;
      if (type === 'completeTask' || type === 'failTask') {
        const once = `${instanceId} ${path} ${attempt}`;
        if (this.#decided.has(once)) return false;
        this.#decided.add(once);
      }
      const kept = this.#kept(instanceId);
      kept.pending = [...kept.pending, { commandId, type, path, by, at: this.now }];
      this.#results.set(commandId, { status: 'pending' });
      const issued = issuedOf(command, payload);
      if (this.hold) this.#held.push({ command, issued });
      else await this.apply(instanceId, issued);
      return true;
    },
    commandResult: async (commandId) => this.#results.get(commandId) ?? null,
    publish: async (messages) => {
      this.published.push(...messages);
    },
    claim: async (instanceId, path, assignee) => {
      const once = `${instanceId} ${path}`;
      const holder = this.#claims.get(once);
      if (holder !== undefined) return { assignee: holder, won: false };
      this.#claims.set(once, assignee);
      return { assignee, won: true };
    },
    unclaim: async (instanceId, path, assignee) => {
      const once = `${instanceId} ${path}`;
      if (assignee !== null && this.#claims.get(once) !== assignee) return false;
      return this.#claims.delete(once);
    },
    registerEventTypes: async (types) => {
      for (const type of types) this.eventTypes.add(type);
    },
  };

  readonly queries: ApiPorts['queries'] = {
    list: async (filter, limit, cursor) =>
      pageOf(
        [...this.#instances.values()]
          .map(rowOf)
          .filter(
            (row) =>
              (filter.status === undefined || row.status === filter.status) &&
              (filter.definition === undefined || row.definitionId === filter.definition) &&
              (filter.businessKey === undefined || row.businessKey === filter.businessKey),
          )
          .reverse(),
        limit,
        cursor,
      ),
    get: async (instanceId) => {
      const kept = this.#instances.get(instanceId);
      return kept === undefined ? null : { row: rowOf(kept), version: kept.version, state: kept.state, pending: kept.pending };
    },
    startByKey: async (definitionId, key) => {
      const used = this.#idempotency.get(`${definitionId} ${key}`);
      return used === undefined ? null : { instanceId: used.instanceId, definitionVersion: used.version, bodyHash: used.bodyHash };
    },
    history: async (instanceId, afterSeq, limit) =>
      (this.#instances.get(instanceId)?.history ?? []).filter(({ seq }) => seq > afterSeq).slice(0, limit),
    tasks: async (instanceId, limit, cursor) => {
      const kept = this.#instances.get(instanceId);
      const rows = kept === undefined ? [] : tasksOf(kept.state).map((task) => this.#taskRow(kept, task));
      return pageOf(rows, limit, cursor);
    },
    task: async (instanceId, path) => {
      const kept = this.#instances.get(instanceId);
      const task = kept === undefined ? undefined : taskAt(kept.state, path);
      return kept === undefined || task === undefined ? null : this.#taskRow(kept, task);
    },
    inbox: async (filter, limit, cursor) =>
      pageOf(
        this.#inbox().filter(
          ({ assignees, assignee, instanceId }) =>
            (filter.assignee === undefined || assignee === filter.assignee || assignees.users.includes(filter.assignee)) &&
            (filter.role === undefined || assignees.roles.includes(filter.role)) &&
            (filter.instanceId === undefined || instanceId === filter.instanceId),
        ),
        limit,
        cursor,
      ),
    inboxTask: async (instanceId, path) => this.#inbox().find((row) => row.instanceId === instanceId && row.path === path) ?? null,
    runningByVersion: async (definitionId) => {
      const counts = new Map<number, number>();
      for (const { state } of this.#instances.values())
        if (state.definitionId === definitionId && state.phase === 'running')
          counts.set(state.definitionVersion, (counts.get(state.definitionVersion) ?? 0) + 1);
      return [...counts].map(([version, running]) => ({ version, running }));
    },
    deadLetters: async (status, limit, cursor) =>
      pageOf(
        this.deadLetters.filter((letter) => letter.status === status),
        limit,
        cursor,
      ),
    deadLetter: async (id) => this.deadLetters.find((letter) => letter.id === id) ?? null,
    closeDeadLetter: async (id, status) => {
      const index = this.deadLetters.findIndex((letter) => letter.id === id && letter.status === 'open');
      const letter = this.deadLetters[index];
      if (letter === undefined) return false;
      this.deadLetters[index] = { ...letter, status };
      return true;
    },
  };

  #taskRow({ state, history }: Kept, task: TaskState): TaskRow {
    const { instanceId, updatedAt, definitionId, definitionVersion } = state;
    const { path, nodeId, type, status, attempt, openedAt } = task;
    const human = task.type === 'human' && task.status === 'open' ? task : null;
    return {
      ...{ taskId: taskIdOf(instanceId, path), instanceId, path, nodeId, type, status, attempt, openedAt, updatedAt },
      queue: 'payload' in task && task.payload !== null ? task.payload.queue : null,
      input: 'payload' in task && task.payload !== null ? task.payload.input : null,
      output: task.status === 'completed' ? task.output : null,
      error: 'error' in task ? task.error : null,
      assignee: human === null ? null : (this.#claims.get(`${instanceId} ${path}`) ?? null),
      ...{ definitionId, definitionVersion, human: humanRecords(history, null).get(path) ?? null },
    };
  }

  #inbox(): HumanTaskRow[] {
    return [...this.#instances.values()].flatMap(({ state }) =>
      tasksOf(state).flatMap((task): HumanTaskRow[] => {
        if (task.type !== 'human' || task.status !== 'open') return [];
        const { path, attempt, nodeId, title, assignees, dueAt, openedAt } = task;
        // What somebody has just decided is not in the inbox any more.
        if (this.#decided.has(`${state.instanceId} ${path} ${attempt}`)) return [];
        const { instanceId, definitionId, definitionVersion, businessKey } = state;
        const assignee = this.#claims.get(`${instanceId} ${path}`) ?? null;
        return [
          {
            ...{ taskId: taskIdOf(instanceId, path), instanceId, path, attempt, nodeId, definitionId, definitionVersion },
            ...{ businessKey, title, assignees, assignee, dueAt, openedAt },
          },
        ];
      }),
    );
  }

  get cache(): ApiPorts['cache'] {
    return this.#cache;
  }

  readonly parseDefinition: ApiPorts['parseDefinition'] = parseDefinition;
}

/** Cursors are the number of items before the page, in a shape that no other list has. */
function pageOf<T>(all: readonly T[], limit: number, cursor: string | null): Page<T> {
  const from = cursor === null ? 0 : Number(cursor.slice(1));
  const items = all.slice(from, from + limit);
  return { items, nextCursor: from + limit < all.length ? `n${from + limit}` : null };
}

function rowOf({ state }: Kept): InstanceRow {
  const { instanceId, definitionId, definitionVersion, businessKey, startedAt, updatedAt } = state;
  return { instanceId, definitionId, definitionVersion, businessKey, status: statusOf(state), createdAt: startedAt, updatedAt };
}

function issuedOf({ commandId, by, type, path, attempt }: NewCommand, payload: Json): CommandIssued {
  const given = payload as { readonly [name: string]: Json } | null;
  const at = (): TaskPath => {
    if (path === null) throw new Error(`the API issued ${type} without a task`);
    return path;
  };
  const command = ((): CommandIssued['command'] => {
    switch (type) {
      case 'completeTask':
        return { type, path: at(), attempt: attempt ?? 1, output: given?.output ?? null };
      case 'failTask':
        return { type, path: at(), attempt: attempt ?? 1, error: given?.error as { readonly code: string; readonly message: string } };
      case 'cancel':
        return { type, reason: (given?.reason ?? null) as string | null };
      case 'retry':
        return { type, path, raisedBy: (given?.raisedBy ?? null) as RaisedBy | null };
      case 'pause':
      case 'resume':
        return { type };
    }
  })();
  return { type: 'CommandIssued', commandId, by, command };
}
