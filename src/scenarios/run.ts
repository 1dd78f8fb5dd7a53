/** Runs scenarios: the steps in their order, and the expectations. */
import type { Definition } from '../core/definition/types.ts';
import { parseInstant } from '../core/duration.ts';
import type { TaskPath } from '../core/ids.ts';
import type { MigrationReason } from '../core/instance/migration/reasons.ts';
import { taskAt } from '../core/instance/state/scopes.ts';
import { isOpen } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import { jsonEquals } from '../core/json.ts';
import { err } from '../core/result.ts';
import { beginningOf } from './beginning.ts';
import { compare, type Failure } from './expectations.ts';
import type { Mocks, Scenario, Step } from './format.ts';
import { refusalIn } from './read.ts';
import { EndlessScenario, type HistoryPart, type Refusal, Simulation, stepsMaxDefault } from './simulation.ts';
import { reasonsAgainst, take } from './steps.ts';
import type { VersionsByPath } from './versions.ts';

export type ScenarioResult = {
  readonly name: string;
  /** Empty when everything was as expected. */
  readonly failures: readonly Failure[];
  readonly history: readonly HistoryEntry[];
  /** The history in parts, by the version that the instance was on: the last one is that on which it ended. */
  readonly parts: readonly HistoryPart[];
};

export type RunOptions = {
  readonly stepsMax?: number;
  /** Those that `migrate` steps name. */
  readonly versions?: VersionsByPath;
};

const NO_VERSIONS: VersionsByPath = new Map();

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
  { stepsMax = stepsMaxDefault, versions = NO_VERSIONS }: RunOptions = {},
): ScenarioResult {
  const { name, clock = 'auto', startRefused } = scenario;
  const startAt = parseInstant(scenario.startAt ?? START_AT_DEFAULT) ?? 0;
  const given = beginningOf(definition, scenario, startAt);
  const none = { name, history: [], parts: [{ definition, history: [] }] };
  try {
    const begun = given.ok
      ? Simulation.start({ definition, ...given.value, startAt, clock, mocks: { ...mocks, ...scenario.mocks }, stepsMax, versions })
      : given;
    // Nobody is there to be answered: what cannot start is a failure of the trigger.
    const hasTriggerFailed = given.ok && !begun.ok && scenario.trigger !== undefined;
    const started = hasTriggerFailed ? err({ ...begun.error, code: 'MR_TRIGGER_FAILED' }) : begun;
    const refused = compareRefusal('The start', startRefused, started.ok ? null : started.error);
    const origin = scenario.trigger === undefined ? 'input' : 'trigger';
    if (refused !== null)
      return { ...none, failures: [{ pointer: `${pointer}/${startRefused === undefined ? origin : 'startRefused'}`, message: refused }] };
    if (!started.ok) return { ...none, failures: [] };
    const simulation = started.value;
    const failures = [...runSteps(simulation, scenario, pointer)];
    const hints = failures.length > 0 ? hintsOf(simulation, pointer) : [];
    return { name, failures: [...failures, ...hints], history: simulation.history, parts: simulation.parts };
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
      const reasons = step.migrate === undefined ? [] : reasonsAgainst(simulation, step.migrate.to);
      const refused = compareRefusal('The command', refusalIn(step), take(simulation, step));
      if (refused !== null) yield { pointer: at, message: refused };
      if (step.migrate !== undefined) yield* compareReasons(step.migrate, reasons, `${at}/migrate`);
    }
  }
  if (expect !== undefined) yield* compare(expect, simulation, `${pointer}/expect`);
}

/** What speaks against a move: told where nothing of the kind was expected, compared where it was. */
function* compareReasons(
  { to, refused, because }: NonNullable<Step['migrate']>,
  reasons: readonly MigrationReason[],
  pointer: string,
): Generator<Failure> {
  if (refused === undefined) {
    for (const { pointer: place, message } of reasons) yield { pointer: `${pointer}/to`, message: `${to}${place}: ${message}` };
    return;
  }
  if (because === undefined) return;
  const found = [...new Set(reasons.map((reason) => reason.pointer))].sort();
  if (jsonEquals(found, because.toSorted())) return;
  const told = reasons.map(({ pointer: place, message }) => `${place || '(whole)'}: ${message}`).join(' ');
  yield {
    pointer: `${pointer}/because`,
    message: `Expected what speaks against it to be ${JSON.stringify(because)}, but it is ${JSON.stringify(found)}. ${told}`,
  };
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
