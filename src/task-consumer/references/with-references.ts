/**
 * An executor that gets the inputs which records only name, just before they are needed, and leaves large outputs where the orchestrator finds
 * them. The time of the attempt stands still meanwhile: the timeout is that of the work.
 */
import { holdsTooManyValues, isNamedBy, needsReference, referenceTo } from '../../core/payload-reference.ts';
import { type AttemptResult, failed, failedForNow } from '../attempt-result.ts';
import type { AttemptScope, Executor } from '../executor.ts';
import type { ScheduledTask } from '../task.ts';
import type { TaskPayloads } from './task-payloads.ts';

export type ReferenceOptions = {
  /** null: this worker was not told where they are. */
  readonly payloads: TaskPayloads | null;
  readonly limits: {
    /** Outputs of more bytes as JSON are left there; 0: none is. */
    readonly referenceBytes: number;
    /** Of any output: whoever gets the result refuses a larger one. */
    readonly payloadBytes: number;
    /** Of one in a record. */
    readonly messageBytes: number;
  };
};

const REMEDY = 'Set MILLRACE_URL and MILLRACE_WORKER_API_KEY for the worker.';

export function withReferences(executor: Executor, options: ReferenceOptions): Executor {
  return {
    canRun: (task) => executor.canRun(task),
    label: (task) => executor.label(task),
    run(task, scope) {
      if (task.inputReference !== null && executor.canRun(task)) return runWithInput(executor, options, task, scope);
      // Where nothing is large, nobody pays for a promise.
      const result = executor.run(task, scope);
      if (result instanceof Promise) return result.then((settled) => keepIfLarge(options, task, scope, settled));
      return keepIfLarge(options, task, scope, result);
    },
  };
}

async function runWithInput(
  executor: Executor,
  options: ReferenceOptions,
  task: ScheduledTask,
  scope: AttemptScope,
): Promise<AttemptResult> {
  const { payloads } = options;
  const { inputReference } = task;
  if (payloads === null || inputReference === null)
    return failedForNow('INPUT_NOT_REACHED', `The input is too large for a record, and this worker cannot get it. ${REMEDY}`);
  const input = await scope.untimed(() => payloads.input(task, scope.signal));
  if (!input.ok) return input.error;
  if (!isNamedBy(input.value, inputReference))
    return failedForNow('INPUT_MISMATCH', 'The input that the API gave is not the one that the record names.');
  // The engine wrote it: it was read strictly before.
  const whole = { ...task, input: JSON.parse(input.value) as ScheduledTask['input'], inputReference: null };
  return await keepIfLarge(options, task, scope, await executor.run(whole, scope));
}

function keepIfLarge(
  { payloads, limits }: ReferenceOptions,
  task: ScheduledTask,
  scope: AttemptScope,
  result: AttemptResult,
): AttemptResult | Promise<AttemptResult> {
  if (result.status !== 'completed' || !needsReference(result.output, limits.referenceBytes)) return result;
  const { output } = result;
  const reference = referenceTo(output);
  if (reference.bytes > limits.payloadBytes) return result;
  // Nobody takes it so; in a record it is taken as ever.
  if (reference.bytes <= limits.messageBytes && holdsTooManyValues(output)) return result;
  if (payloads !== null) return keep(payloads, task, scope, output, reference);
  if (reference.bytes <= limits.messageBytes) return result;
  return failed(
    'OUTPUT_NOT_KEPT',
    `The output has ${reference.bytes} bytes, too many for a record, and this worker cannot leave it. ${REMEDY}`,
  );
}

async function keep(
  payloads: TaskPayloads,
  task: ScheduledTask,
  scope: AttemptScope,
  output: string,
  reference: ReturnType<typeof referenceTo>,
): Promise<AttemptResult> {
  const kept = await scope.untimed(() => payloads.keep(task, output, reference, scope.signal));
  return kept.ok ? { status: 'kept', reference } : kept.error;
}
