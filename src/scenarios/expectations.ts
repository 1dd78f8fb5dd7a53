/** Compares an instance with what a scenario expects of it. */
import type { HistoryEntry } from '../core/instance/index.ts';
import { statusOf } from '../core/instance/index.ts';
import { incidentsOf, tasksOf } from '../core/instance/state/scopes.ts';
import { isOpen } from '../core/instance/state/state.ts';
import { isJsonObject, type Json, jsonEquals } from '../core/json.ts';
import { pointerTo } from '../core/json-pointer.ts';
import { own } from '../core/record.ts';
import type { Expectation, NodeExpectation } from './format.ts';
import { type ObservedTask, observeTasks } from './observed-tasks.ts';
import type { Simulation } from './simulation.ts';

export type Failure = {
  /** JSON pointer into the scenario file. */
  readonly pointer: string;
  readonly message: string;
};

const SHOWN_MAX = 600;

/** @param pointer of the expectation. */
export function compare(expected: Expectation, simulation: Simulation, pointer: string): readonly Failure[] {
  const { state, history } = simulation;
  const found: Failure[] = [];
  const at = (field: string, message: string | null): void => {
    if (message !== null) found.push({ pointer: pointerTo(pointer, field), message });
  };
  const { status, output, outputContains, error, vars, open, incidents, nodes, published, history: entries } = expected;
  if (status !== undefined) at('status', differs('the status of the instance', status, statusOf(state)));
  if (output !== undefined) at('output', differs('the output of the instance', output, state.output));
  if (outputContains !== undefined) at('outputContains', lacks('the output of the instance', outputContains, state.output));
  if (error !== undefined) at('error', differs('the error of the instance', error, state.error?.code ?? null));
  for (const [name, value] of Object.entries(vars ?? {}))
    at(`vars/${name}`, differs(`the variable "${name}"`, value, own(state.vars, name) ?? null));
  if (open !== undefined) {
    const paths = tasksOf(state).flatMap((task) => (isOpen(task) ? [task.path as string] : []));
    at('open', differs('the open tasks', open.toSorted(), paths.sort()));
  }
  if (incidents !== undefined) {
    const codes = Object.entries(incidentsOf(state)).map(([path, incident]) => [path, incident.error.code] as const);
    at('incidents', differs('the incidents', incidents, Object.fromEntries(codes)));
  }
  if (published !== undefined) at('published', comparePublished(published, history));
  if (entries !== undefined) at('history', compareHistory(entries, history));
  const observed = nodes === undefined ? null : observeTasks(state, history);
  for (const [key, expectation] of Object.entries(nodes ?? {}))
    for (const failure of compareNode(key, expectation, own(Object.fromEntries(observed ?? []), key)))
      found.push({ pointer: pointerTo(pointerTo(pointerTo(pointer, 'nodes'), key), failure.field), message: failure.message });
  return found;
}

function compareNode(
  key: string,
  expected: NodeExpectation,
  task: ObservedTask | undefined,
): readonly { readonly field: string; readonly message: string }[] {
  const { status, attempt, input, inputContains, output, outputContains, error, title, assignees } = expected;
  if (task === undefined) return [{ field: Object.keys(expected)[0] ?? 'status', message: `"${key}" has not been reached yet.` }];
  const given = assignees === undefined ? null : { users: assignees.users ?? [], roles: assignees.roles ?? [] };
  const checks: readonly (readonly [field: keyof NodeExpectation, message: string | null])[] = [
    ['status', status === undefined ? null : differs(`the status of "${key}"`, status, task.status)],
    ['attempt', attempt === undefined ? null : differs(`the attempt of "${key}"`, attempt, task.attempt)],
    ['input', input === undefined ? null : differs(`the input of "${key}"`, input, task.input)],
    ['inputContains', inputContains === undefined ? null : lacks(`the input of "${key}"`, inputContains, task.input)],
    ['output', output === undefined ? null : differs(`the output of "${key}"`, output, task.output)],
    ['outputContains', outputContains === undefined ? null : lacks(`the output of "${key}"`, outputContains, task.output)],
    ['error', error === undefined ? null : differs(`the error of "${key}"`, error, task.error)],
    ['title', title === undefined ? null : differs(`the title of "${key}"`, title, task.title)],
    ['assignees', given === null ? null : differs(`the assignees of "${key}"`, given, task.assignees)],
  ];
  return checks.flatMap(([field, message]) => (message === null ? [] : [{ field, message }]));
}

function comparePublished(expected: NonNullable<Expectation['published']>, history: readonly HistoryEntry[]): string | null {
  const events = history.flatMap(({ event }) => (event.type === 'EventPublished' ? [event] : []));
  const isSame =
    events.length === expected.length &&
    expected.every(({ event, key, data }, index) => {
      const actual = events[index];
      if (actual === undefined || actual.event !== event || (key !== undefined && actual.key !== key)) return false;
      return data === undefined || jsonEquals(data, actual.data);
    });
  if (isSame) return null;
  return differs(
    'the published events',
    expected as Json,
    events.map(({ event, key, data }) => ({ event, key, data })),
  );
}

function compareHistory(expected: readonly string[], history: readonly HistoryEntry[]): string | null {
  const lines = history.map(({ event }) => ('path' in event && event.path !== null ? `${event.type} ${event.path}` : event.type));
  let from = 0;
  for (const entry of expected) {
    const place = lines.findIndex((line, index) => index >= from && (line === entry || line.split(' ')[0] === entry));
    if (place < 0) return `Expected ${show(entry)} in the history after entry ${from}, but what follows is ${show(lines.slice(from))}.`;
    from = place + 1;
  }
  return null;
}

function differs(what: string, expected: Json, actual: Json): string | null {
  return jsonEquals(expected, actual) ? null : `Expected ${what} to be ${show(expected)}, but it is ${show(actual)}.`;
}

function lacks(what: string, expected: Json, actual: Json): string | null {
  return contains(actual, expected) ? null : `Expected ${what} to contain ${show(expected)}, but it is ${show(actual)}.`;
}

/** Objects may have more members than expected, at every depth; everything else is equal. */
function contains(actual: Json | undefined, expected: Json): boolean {
  if (actual === undefined) return false;
  if (Array.isArray(expected))
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item: Json, index) => contains(actual[index] as Json, item))
    );
  if (!isJsonObject(expected)) return jsonEquals(actual, expected);
  return isJsonObject(actual) && Object.entries(expected).every(([key, member]) => contains(own(actual, key), member));
}

function show(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}
