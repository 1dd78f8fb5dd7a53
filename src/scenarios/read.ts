/** Reads a scenario file: checks its format, and then its references to the definition. All errors are reported at once. */
import { shown, suggest } from '../core/definition/errors.ts';
import type { Definition, Node } from '../core/definition/types.ts';
import { parseDuration, parseInstant } from '../core/duration.ts';
import { entryTypes } from '../core/instance/history/entry-types.ts';
import { nodeIdOfPath } from '../core/instance/state/scopes.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { pointerTo } from '../core/json-pointer.ts';
import { own } from '../core/record.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type CompiledSchema, compileSchema } from '../core/schema/index.ts';
import {
  type CommandType,
  definitionFileDefault,
  type Expectation,
  type FileError,
  type Mocks,
  type Outcome,
  type Scenario,
  ScenarioFile,
  type Step,
} from './format.ts';
import { type LoadVersion, readVersions, type VersionsByPath } from './versions.ts';

/** Path of the definition; the default if the file cannot be read. */
export function definitionFileOf(file: Json): string {
  const given = isJsonObject(file) ? own(file, 'definition') : undefined;
  return typeof given === 'string' && given !== '' ? given : definitionFileDefault;
}

let shape: CompiledSchema | null = null;

function shapeOf(): CompiledSchema {
  if (shape === null) {
    const compiled = compileSchema(JSON.parse(JSON.stringify(ScenarioFile)) as Json);
    if (!compiled.ok) throw new Error(`Bug: the schema of scenario files is invalid: ${JSON.stringify(compiled.error)}`);
    shape = compiled.value;
  }
  return shape;
}

/** A file without errors, and the versions of its definition that its scenarios move instances to. */
export type ReadScenarioFile = ScenarioFile & { readonly versions: VersionsByPath };

/** @param load finds the other versions; without it a `migrate` step is an error. */
export function readScenarioFile(file: Json, definition: Definition, load?: LoadVersion): Result<ReadScenarioFile, readonly FileError[]> {
  const wrong = shapeOf().validate(file);
  if (wrong.length > 0) return err(wrong);
  // The schema has been checked above.
  const read = file as unknown as ScenarioFile;
  const versions = readVersions(read, definition, load);
  if (!versions.ok) return err(versions.error);
  const errors = [...new Checker(definition, versions.value).file(read)];
  return errors.length > 0 ? err(errors) : ok({ ...read, versions: versions.value });
}

/** What a command takes beside `by` and `refused`. */
const commandFields: { readonly [Type in CommandType]: readonly string[] } = {
  pause: [],
  resume: [],
  cancel: ['reason'],
  retry: ['task'],
  'set-vars': ['vars', 'reason'],
  'complete-node': ['task', 'output', 'reason'],
  'skip-node': ['task', 'reason'],
  'rerun-node': ['task', 'reason'],
};

class Checker {
  readonly #definition: Definition;
  readonly #versions: VersionsByPath;
  /** Those that an instance may be on, or may have been on, the newest first: what it did before it moved can be looked at as well. */
  #known: readonly Definition[];

  constructor(definition: Definition, versions: VersionsByPath) {
    this.#definition = definition;
    this.#versions = versions;
    this.#known = [definition];
  }

  /** The definition, and the versions that these steps move to. */
  #with(steps: readonly Step[]): readonly Definition[] {
    const targets = steps.flatMap(({ migrate }) => (migrate === undefined ? [] : (this.#versions.get(migrate.to) ?? [])));
    return [...targets.reverse(), this.#definition];
  }

  #nodeAt(path: string): Node | undefined {
    const id = nodeIdOfPath(path);
    for (const { nodes } of this.#known) if (nodes.has(id)) return nodes.get(id);
    return undefined;
  }

  *file({ mocks, scenarios }: ScenarioFile): Generator<FileError> {
    this.#known = this.#with(scenarios.flatMap(({ steps = [] }) => steps));
    yield* this.#mocks(mocks ?? {}, '/mocks');
    const names = new Map<string, number>();
    for (const [index, scenario] of scenarios.entries()) {
      const pointer = `/scenarios/${index}`;
      const { name, startAt, mocks: own, steps = [], expect, startRefused } = scenario;
      const first = names.get(name);
      if (first !== undefined) yield { pointer: `${pointer}/name`, message: `Scenario ${first} has this name already: give each its own.` };
      names.set(name, first ?? index);
      if (startAt !== undefined) yield* instant(startAt, `${pointer}/startAt`);
      yield* this.#trigger(scenario, pointer);
      this.#known = this.#with(steps);
      yield* this.#mocks(own ?? {}, `${pointer}/mocks`);
      for (const [place, step] of steps.entries()) {
        this.#known = this.#with(steps.slice(0, place));
        yield* this.#step(step, `${pointer}/steps/${place}`);
      }
      this.#known = this.#with(steps);
      if (expect !== undefined) yield* this.#expectation(expect, `${pointer}/expect`);
      const expects = expect !== undefined || steps.some((step) => step.expect !== undefined || refusalIn(step) !== undefined);
      if (startRefused === undefined && !expects) yield { pointer, message: 'The scenario expects nothing: give it an "expect".' };
      if (startRefused !== undefined && (expects || steps.length > 0))
        yield {
          pointer: `${pointer}/startRefused`,
          message: 'An instance that was never started has no steps, and nothing else can be expected of it.',
        };
    }
  }

  *#mocks(mocks: Mocks, pointer: string): Generator<FileError> {
    for (const [key, outcomes] of Object.entries(mocks)) {
      const at = pointerTo(pointer, key);
      const node = this.#nodeAt(key);
      if (node === undefined) {
        yield { pointer: at, message: `The definition has no node "${nodeIdOfPath(key)}".` };
        continue;
      }
      if (node.type !== 'task' && node.type !== 'http' && node.type !== 'workflow')
        yield { pointer: at, message: `"${node.id}" is a ${node.type} node: only "task", "http" and "workflow" nodes are mocked.` };
      for (const [index, outcome] of outcomes.entries()) yield* checkOutcome(outcome, node.type, `${at}/${index}`);
    }
  }

  *#step({ advance, advanceTo, event, complete, fail, delegate, command, migrate, expect }: Step, pointer: string): Generator<FileError> {
    if (advance !== undefined) yield* duration(advance, `${pointer}/advance`);
    if (advanceTo !== undefined) yield* instant(advanceTo, `${pointer}/advanceTo`);
    if (event?.time !== undefined) yield* instant(event.time, `${pointer}/event/time`);
    if (complete !== undefined) yield* this.#humanTask(complete.task, `${pointer}/complete/task`);
    if (fail !== undefined) yield* this.#humanTask(fail.task, `${pointer}/fail/task`);
    if (delegate !== undefined) yield* this.#humanTask(delegate.task, `${pointer}/delegate/task`);
    if (command !== undefined) yield* this.#command(command, `${pointer}/command`);
    if (migrate?.because !== undefined && migrate.refused !== 'MR_MIGRATION_REFUSED')
      yield {
        pointer: `${pointer}/migrate/because`,
        message: 'Only a move that is refused has reasons: give "refused": "MR_MIGRATION_REFUSED" too.',
      };
    if (expect !== undefined) yield* this.#expectation(expect, `${pointer}/expect`);
  }

  *#command(command: NonNullable<Step['command']>, pointer: string): Generator<FileError> {
    const { type, task } = command;
    for (const field of ['task', 'output', 'vars', 'reason'] as const)
      if (command[field] !== undefined && !commandFields[type].includes(field))
        yield { pointer: `${pointer}/${field}`, message: `The command "${type}" has no "${field}".` };
    if (task !== undefined && commandFields[type].includes('task')) yield* this.#node(task, `${pointer}/task`);
    if (task === undefined && (type === 'complete-node' || type === 'skip-node' || type === 'rerun-node'))
      yield { pointer, message: `The command "${type}" needs the "task" that it corrects.` };
    if (type === 'set-vars' && command.vars === undefined)
      yield { pointer, message: 'The command "set-vars" needs "vars": the variables and their new values.' };
  }

  *#trigger({ trigger, input, businessKey, startedBy }: Scenario, pointer: string): Generator<FileError> {
    if (trigger === undefined) return;
    for (const [field, value] of Object.entries({ input, businessKey, startedBy }))
      if (value !== undefined) yield { pointer: `${pointer}/${field}`, message: `Leave "${field}" out: the trigger gives it.` };
    const { event, schedule } = trigger;
    if (event?.time !== undefined) yield* instant(event.time, `${pointer}/trigger/event/time`);
    const names = this.#definition.triggers.filter(({ kind }) => kind === 'schedule').map(({ name }) => name);
    if (schedule !== undefined && !names.includes(schedule))
      yield { pointer: `${pointer}/trigger/schedule`, message: `The definition has no schedule "${schedule}".${suggest(schedule, names)}` };
  }

  *#expectation({ nodes = {}, open = [], incidents = {}, history = [] }: Expectation, pointer: string): Generator<FileError> {
    for (const key of Object.keys(nodes)) yield* this.#node(key, pointerTo(`${pointer}/nodes`, key));
    for (const [index, path] of open.entries()) yield* this.#node(path, `${pointer}/open/${index}`);
    for (const [index, entry] of history.entries()) yield* this.#entry(entry, `${pointer}/history/${index}`);
    // An incident may be of an item (`orders.3`), or of the instance.
    for (const path of Object.keys(incidents)) if (path !== '') yield* this.#node(path, pointerTo(`${pointer}/incidents`, path));
  }

  /** `TaskCompleted orders.3.ship`, or the type alone. */
  *#entry(entry: string, pointer: string): Generator<FileError> {
    const [type = '', path] = entry.split(' ');
    if (own(entryTypes, type) === undefined)
      yield { pointer, message: `There is no entry ${shown(type)} in histories.${suggest(type, Object.keys(entryTypes))}` };
    else if (path !== undefined) yield* this.#node(path, pointer);
  }

  *#humanTask(path: string, pointer: string): Generator<FileError> {
    const node = this.#nodeAt(path);
    if (node === undefined) yield* this.#node(path, pointer);
    else if (node.type !== 'human')
      yield { pointer, message: `"${node.id}" is a ${node.type} node, which no person completes: mock its outcome.` };
  }

  *#node(path: string, pointer: string): Generator<FileError> {
    if (this.#nodeAt(path) !== undefined) return;
    yield {
      pointer,
      message: `The definition has no node "${nodeIdOfPath(path)}". A task in a loop is named by its path, such as "orders.3.ship".`,
    };
  }
}

function* checkOutcome(outcome: Outcome, type: string, pointer: string): Generator<FileError> {
  const ways = (['output', 'answers', 'fails', 'timesOut', 'never'] as const).filter((way) => outcome[way] !== undefined);
  if (ways.length !== 1)
    yield { pointer, message: `An attempt ends in one way: give one of "output", "answers", "fails", "timesOut" and "never".` };
  if (outcome.answers !== undefined && type !== 'http')
    yield { pointer: `${pointer}/answers`, message: 'Only an "http" node is answered: give "output" or "fails".' };
  if (outcome.timesOut !== undefined && type === 'workflow')
    yield { pointer: `${pointer}/timesOut`, message: 'A child times out by the "timeout" of its node: give "never".' };
  if (outcome.after !== undefined) {
    yield* duration(outcome.after, `${pointer}/after`);
    if (outcome.timesOut === true || outcome.never === true)
      yield {
        pointer: `${pointer}/after`,
        message: 'Leave "after" out: an attempt times out when its "timeout" has passed, and "never" has no time.',
      };
  }
  if (outcome.fails?.retryAfter !== undefined) yield* duration(outcome.fails.retryAfter, `${pointer}/fails/retryAfter`);
}

function* duration(text: string, pointer: string): Generator<FileError> {
  if (parseDuration(text) === undefined)
    yield { pointer, message: 'A duration must be a string such as "30s", "5m", "2d" or ISO 8601 ("PT5M").' };
}

function* instant(text: string, pointer: string): Generator<FileError> {
  if (parseInstant(text) === undefined) yield { pointer, message: 'A time must have an offset, such as "2026-01-31T09:00:00Z".' };
}

export function refusalIn({ complete, fail, delegate, command, migrate }: Step): string | undefined {
  return (complete ?? fail ?? delegate ?? command ?? migrate)?.refused;
}
