/**
 * A segment: the tasks of one instance that a worker runs one after the other, from the one whose record it read. Decides what comes
 * next by the core, on the state that the record brought (protocol.md, "Continuation" 2, 4). Sends nothing and holds no place in the pool.
 */
import type { Definition } from '../../core/definition/types.ts';
import { type DefinitionId, parseTaskId } from '../../core/ids.ts';
import { type NextTask, nextTask } from '../../core/instance/continuation/continuation.ts';
import { engineVersion } from '../../core/instance/continuation/engine-version.ts';
import type { RunLimits } from '../../core/instance/index.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import { readTaskRecord, toTaskRecord } from '../../messaging/records/task-scheduled.ts';
import type { Logger } from '../../service/logging.ts';
import type { AttemptResult } from '../attempt-result.ts';
import type { ScheduledTask } from '../task.ts';

/** What bounds a segment: so long others wait for its place in the pool, and so much still runs after a cancel. */
export const segmentBudget = { ms: 100, tasks: 16 } as const;

export type SegmentOptions = {
  /** Whose tasks the worker runs; null: `http` nodes. */
  readonly queue: string | null;
  /** Whether there is a handler for it here. */
  readonly canRun: (task: ScheduledTask) => boolean;
  /** Versions that are at hand. */
  readonly definitions: { peek(id: DefinitionId, version: number): Definition | undefined };
  readonly limits: RunLimits;
  readonly log: Pick<Logger, 'warn'>;
  readonly budget?: { readonly ms: number; readonly tasks: number };
};

export class Segment {
  readonly #options: SegmentOptions;
  readonly #endsAt: number;
  #tasksLeft: number;
  /** As the record brought it; read when it is first needed. */
  #state: InstanceState | string;

  private constructor(options: SegmentOptions, state: string) {
    const { ms, tasks } = options.budget ?? segmentBudget;
    this.#options = options;
    this.#state = state;
    this.#endsAt = performance.now() + ms;
    this.#tasksLeft = tasks - 1;
  }

  /** @returns null for a task after which nothing can be decided here. */
  static begin({ continuation }: ScheduledTask, options: SegmentOptions): Segment | null {
    return continuation?.engine === engineVersion ? new Segment(options, continuation.state) : null;
  }

  /**
   * @param task the last one, and how it ended.
   * @returns the task to go on with. Whoever gets one runs it.
   */
  next(task: ScheduledTask, result: AttemptResult): ScheduledTask | null {
    if (result.status !== 'completed' || this.#tasksLeft === 0 || performance.now() >= this.#endsAt) return null;
    const { definitions, log, queue, canRun } = this.#options;
    const definition = definitions.peek(task.definitionId, task.definitionVersion);
    if (definition === undefined) return null;
    try {
      const decided = this.#decide(definition, task, result.output);
      if (decided === null || decided.task.queue !== queue || !canRun(decided.task)) return null;
      this.#state = decided.state;
      this.#tasksLeft--;
      return decided.task;
    } catch (error) {
      // The orchestrator decides it too, and will say what is wrong.
      log.warn({ err: error, taskId: task.taskId }, 'What follows a task cannot be decided here');
      return null;
    }
  }

  #decide(
    definition: Definition,
    task: ScheduledTask,
    text: string,
  ): { readonly task: ScheduledTask; readonly state: InstanceState } | null {
    const state = typeof this.#state === 'string' ? (JSON.parse(this.#state) as InstanceState) : this.#state;
    const path = parseTaskId(task.taskId)?.path;
    const output = parseJsonStrict(text);
    if (path === undefined || !output.ok || state.instanceId !== task.instanceId) return null;
    const { attempt, basis } = task;
    const result = { status: 'completed', output: output.value } as const;
    const next = nextTask(definition, state, { type: 'TaskOutcome', path, attempt, basis, result }, Date.now(), this.#options.limits);
    return next === null ? null : { task: scheduledIn(next), state: next.state };
  }
}

/** As if its record had been read. */
function scheduledIn({ state, path, attempt }: NextTask): ScheduledTask {
  const read = readTaskRecord(toTaskRecord(state, path, attempt), Buffer.from(state.instanceId));
  if ('code' in read) throw new Error(`a task that was decided here cannot be read: ${read.reason}`);
  return read;
}
