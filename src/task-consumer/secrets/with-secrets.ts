/** An executor that inserts secrets into tasks just before they run, and removes them from results, errors and logs. */
import type { TaskLogger } from '../../worker/index.ts';
import type { AttemptResult } from '../attempt-result.ts';
import type { AttemptScope, Executor } from '../executor.ts';
import type { ScheduledTask } from '../task.ts';
import { Concealer } from './conceal.ts';
import { concealedLog } from './concealed-log.ts';
import { resolveSecrets } from './resolve.ts';
import type { SecretSource } from './secret-source.ts';

export function withSecrets(executor: Executor, source: SecretSource): Executor {
  return {
    canRun: (task) => executor.canRun(task),
    label: (task) => executor.label(task),
    // A task without secrets does not pay for a promise.
    run: (task, scope) => (task.secrets.length === 0 ? executor.run(task, scope) : runWithSecrets(executor, source, task, scope)),
  };
}

async function runWithSecrets(executor: Executor, source: SecretSource, task: ScheduledTask, scope: AttemptScope): Promise<AttemptResult> {
  const resolved = await resolveSecrets(task.input, task.secrets, source);
  if (!resolved.ok) return resolved.error;
  const concealer = new Concealer(resolved.value.values);
  try {
    return concealer.result(await executor.run({ ...task, input: resolved.value.input }, new ConcealedScope(scope, concealer)));
  } catch (error) {
    throw concealedBug(error, concealer);
  }
}

/** The caller logs and reports a bug of the executor. */
function concealedBug(error: unknown, concealer: Concealer): Error {
  const bug = new Error(concealer.text(error instanceof Error ? error.message : 'The executor threw something that is no Error.'));
  if (error instanceof Error && error.stack !== undefined) bug.stack = concealer.text(error.stack);
  return bug;
}

/** What a handler logs goes through the concealer too. */
class ConcealedScope implements AttemptScope {
  readonly #scope: AttemptScope;
  readonly #concealer: Concealer;

  constructor(scope: AttemptScope, concealer: Concealer) {
    this.#scope = scope;
    this.#concealer = concealer;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  untimed<T>(work: () => Promise<T>): Promise<T> {
    return this.#scope.untimed(work);
  }

  get log(): TaskLogger {
    return concealedLog(this.#scope.log, this.#concealer);
  }
}
