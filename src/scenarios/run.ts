/** Runs scenarios: the steps in their order, and the expectations. */
import type { Definition } from '../core/definition/types.ts';
import { parseDuration, parseInstant } from '../core/duration.ts';
import type { TaskPath } from '../core/ids.ts';
import { taskAt } from '../core/instance/state/scopes.ts';
import { isOpen } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import { compare, type Failure } from './expectations.ts';
import type { Mocks, Scenario, Step } from './format.ts';
import { refusalIn } from './read.ts';
import { EndlessScenario, type Refusal, Simulation, stepsMaxDefault } from './simulation.ts';

export type ScenarioResult = {
  readonly name: string;
  /** Empty when everything was as expected. */
  readonly failures: readonly Failure[];
  readonly history: readonly HistoryEntry[];
};

const START_AT_DEFAULT = '2026-01-01T00:00:00Z';

/**
 * @param mocks of the whole file; those of the scenario win.
 * @param pointer of the scenario in its file.
 */
export function runScenario(
  definition: Definition,
  scenario: Scenario,
  mocks: Mocks,
  pointer: string,
  stepsMax = stepsMaxDefault,
): ScenarioResult {
  const { name, input = {}, businessKey = null, startAt = START_AT_DEFAULT, clock = 'auto', startRefused } = scenario;
  const beginning = {
    definition,
    input,
    businessKey,
    startAt: parseInstant(startAt) ?? 0,
    clock,
    mocks: { ...mocks, ...scenario.mocks },
    stepsMax,
  };
  const none = { name, history: [] };
  try {
    const started = Simulation.start(beginning);
    const refused = compareRefusal('The start', startRefused, started.ok ? null : started.error);
    if (refused !== null)
      return { ...none, failures: [{ pointer: `${pointer}/${startRefused === undefined ? 'input' : 'startRefused'}`, message: refused }] };
    if (!started.ok) return { ...none, failures: [] };
    const simulation = started.value;
    const failures = [...runSteps(simulation, scenario, pointer)];
    const hints = failures.length > 0 ? hintsOf(simulation, pointer) : [];
    return { name, failures: [...failures, ...hints], history: simulation.history };
  } catch (error) {
    if (!(error instanceof EndlessScenario)) throw error;
    return { ...none, failures: [{ pointer, message: `${error.message} Perhaps a loop of the definition never ends.` }] };
  }
}

function* runSteps(simulation: Simulation, { steps = [], expect }: Scenario, pointer: string): Generator<Failure> {
  for (const [index, step] of steps.entries()) {
    const at = `${pointer}/steps/${index}`;
    if (step.expect !== undefined) yield* compare(step.expect, simulation, `${at}/expect`);
    else {
      const refused = compareRefusal('The command', refusalIn(step), take(simulation, step));
      if (refused !== null) yield { pointer: at, message: refused };
    }
  }
  if (expect !== undefined) yield* compare(expect, simulation, `${pointer}/expect`);
}

/** @returns the refusal of a command, if there is one. */
function take(simulation: Simulation, { advance, advanceTo, event, complete, fail, command }: Step): Refusal | null {
  if (advance !== undefined) simulation.advanceTo(simulation.now + (parseDuration(advance) ?? 0));
  if (advanceTo !== undefined) simulation.advanceTo(parseInstant(advanceTo) ?? 0);
  if (event !== undefined) {
    const { type, key, data = null, source = 'scenario', id = null, time } = event;
    simulation.receive({ type, key, data, source, id, time: time === undefined ? null : (parseInstant(time) ?? null) });
  }
  if (complete !== undefined) {
    const { output = {}, by = 'tester' } = complete;
    const path = complete.task as TaskPath;
    return (
      invalidForm(simulation, path, output) ??
      simulation.command({ type: 'completeTask', path, attempt: attemptAt(simulation, path), output }, by)
    );
  }
  if (fail !== undefined) {
    const { code, message = `${code} happened.`, by = 'tester' } = fail;
    const path = fail.task as TaskPath;
    return simulation.command({ type: 'failTask', path, attempt: attemptAt(simulation, path), error: { code, message } }, by);
  }
  if (command !== undefined) {
    const { type, task = null, reason = null, by = 'tester' } = command;
    if (type === 'retry') return simulation.command({ type, path: task as TaskPath | null }, by);
    return simulation.command(type === 'cancel' ? { type, reason } : { type }, by);
  }
  return null;
}

/** A person acts on the open attempt. */
function attemptAt({ state }: Simulation, path: TaskPath): number {
  return taskAt(state, path)?.attempt ?? 1;
}

/** The API checks the form before it issues a command, so a scenario does too. */
function invalidForm({ state, definition }: Simulation, path: TaskPath, output: NonNullable<Step['complete']>['output']): Refusal | null {
  const task = taskAt(state, path);
  const node = task?.status === 'open' ? definition.nodes.get(task.nodeId) : undefined;
  const [error] = (node?.type === 'human' ? node.form?.compiled.validate(output ?? {}) : undefined) ?? [];
  return error === undefined
    ? null
    : { code: 'MR_FORM_INVALID', message: `The output does not fit the form: ${error.pointer || '/'}: ${error.message}` };
}

function compareRefusal(what: string, expected: string | undefined, refusal: Refusal | null): string | null {
  if (refusal === null) return expected === undefined ? null : `${what} was expected to be refused with ${expected}, but was applied.`;
  if (expected === refusal.code) return null;
  const instead = expected === undefined ? 'applied' : `refused with ${expected}`;
  return `${what} was expected to be ${instead}, but was refused with ${refusal.code}: ${refusal.message}`;
}

/** The most likely reasons why the instance did not get further. */
function hintsOf({ unanswered, state }: Simulation, pointer: string): readonly Failure[] {
  return [...unanswered].flatMap((path) => {
    const task = taskAt(state, path as TaskPath);
    const what = task?.status === 'scheduled' ? 'an outcome' : task?.type === 'workflow' && isOpen(task) ? 'the end of its child' : null;
    if (what === null) return [];
    return [{ pointer: `${pointer}/mocks`, message: `"${path}" waits for ${what}, but no mock gives one: add it to "mocks".` }];
  });
}
