/** Reads a scenario file: checks its format, and then its references to the definition. All errors are reported at once. */
import type { Definition } from '../core/definition/types.ts';
import { parseDuration, parseInstant } from '../core/duration.ts';
import { nodeIdOfPath } from '../core/instance/state/scopes.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { pointerTo } from '../core/json-pointer.ts';
import { own } from '../core/record.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type CompiledSchema, compileSchema } from '../core/schema/index.ts';
import { type Expectation, type Mocks, type Outcome, ScenarioFile, type Step } from './format.ts';

export type FileError = { readonly pointer: string; readonly message: string };

export const definitionFileDefault = 'definition.json';

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

export function readScenarioFile(file: Json, definition: Definition): Result<ScenarioFile, readonly FileError[]> {
  const wrong = shapeOf().validate(file);
  if (wrong.length > 0) return err(wrong);
  // The schema has been checked above.
  const read = file as unknown as ScenarioFile;
  const errors = [...new Checker(definition).file(read)];
  return errors.length > 0 ? err(errors) : ok(read);
}

class Checker {
  readonly #definition: Definition;

  constructor(definition: Definition) {
    this.#definition = definition;
  }

  *file({ mocks, scenarios }: ScenarioFile): Generator<FileError> {
    yield* this.#mocks(mocks ?? {}, '/mocks');
    const names = new Map<string, number>();
    for (const [index, scenario] of scenarios.entries()) {
      const pointer = `/scenarios/${index}`;
      const { name, startAt, mocks: own, steps = [], expect, startRefused } = scenario;
      const first = names.get(name);
      if (first !== undefined) yield { pointer: `${pointer}/name`, message: `Scenario ${first} has this name already: give each its own.` };
      names.set(name, first ?? index);
      if (startAt !== undefined) yield* instant(startAt, `${pointer}/startAt`);
      yield* this.#mocks(own ?? {}, `${pointer}/mocks`);
      for (const [place, step] of steps.entries()) yield* this.#step(step, `${pointer}/steps/${place}`);
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
      const node = this.#definition.nodes.get(nodeIdOfPath(key));
      if (node === undefined) {
        yield { pointer: at, message: `The definition has no node "${nodeIdOfPath(key)}".` };
        continue;
      }
      if (node.type !== 'task' && node.type !== 'http' && node.type !== 'workflow')
        yield { pointer: at, message: `"${node.id}" is a ${node.type} node: only "task", "http" and "workflow" nodes are mocked.` };
      for (const [index, outcome] of outcomes.entries()) yield* checkOutcome(outcome, node.type, `${at}/${index}`);
    }
  }

  *#step({ advance, advanceTo, event, complete, fail, command, expect }: Step, pointer: string): Generator<FileError> {
    if (advance !== undefined) yield* duration(advance, `${pointer}/advance`);
    if (advanceTo !== undefined) yield* instant(advanceTo, `${pointer}/advanceTo`);
    if (event?.time !== undefined) yield* instant(event.time, `${pointer}/event/time`);
    if (complete !== undefined) yield* this.#humanTask(complete.task, `${pointer}/complete/task`);
    if (fail !== undefined) yield* this.#humanTask(fail.task, `${pointer}/fail/task`);
    if (command?.task !== undefined) {
      if (command.type !== 'retry')
        yield { pointer: `${pointer}/command/task`, message: `Only "retry" is for one task; "${command.type}" is for the instance.` };
      yield* this.#node(command.task, `${pointer}/command/task`);
    }
    if (command?.reason !== undefined && command.type !== 'cancel')
      yield { pointer: `${pointer}/command/reason`, message: 'Only "cancel" has a reason.' };
    if (expect !== undefined) yield* this.#expectation(expect, `${pointer}/expect`);
  }

  *#expectation({ nodes = {}, open = [], incidents = {} }: Expectation, pointer: string): Generator<FileError> {
    for (const key of Object.keys(nodes)) yield* this.#node(key, pointerTo(`${pointer}/nodes`, key));
    for (const [index, path] of open.entries()) yield* this.#node(path, `${pointer}/open/${index}`);
    // An incident may be of an item (`orders.3`), or of the instance.
    for (const path of Object.keys(incidents)) if (path !== '') yield* this.#node(path, pointerTo(`${pointer}/incidents`, path));
  }

  *#humanTask(path: string, pointer: string): Generator<FileError> {
    const node = this.#definition.nodes.get(nodeIdOfPath(path));
    if (node === undefined) yield* this.#node(path, pointer);
    else if (node.type !== 'human')
      yield { pointer, message: `"${node.id}" is a ${node.type} node, which no person completes: mock its outcome.` };
  }

  *#node(path: string, pointer: string): Generator<FileError> {
    if (this.#definition.nodes.has(nodeIdOfPath(path))) return;
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

export function refusalIn({ complete, fail, command }: Step): string | undefined {
  return (complete ?? fail ?? command)?.refused;
}
