/** Random definitions without races: whichever order their messages come in, they end alike. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ChildResult } from './children/messages.ts';
import type { Notification, TaskOutcome } from './decide/notification.ts';
import { allBooks, taskOfBook, tasksOf } from './state/scopes.ts';
import { hasEnded, type TaskState, type TimerKind } from './state/state.ts';
import { document, input, numbers } from './testing/arbitraries.ts';
import { Chance } from './testing/chance.ts';
import { decision } from './testing/people.ts';
import { withoutRaces } from './testing/without-races.ts';

const DEFINITIONS = Math.ceil(Number(process.env.MILLRACE_TEST_DEFINITIONS ?? 1_000) / 2);
/** A definition of the kind takes some dozens. */
const MESSAGES_MAX = 2_000;
/** It is made of hashes, which differ with the order in which what leads to the child ended. */
const CHILD_ID = /019b76da-[0-9a-f-]{27}/g;
/** Timers that let work go on. Those that end it race with it. */
const LEADING_ON: readonly TimerKind[] = ['retry', 'wait', 'loop', 'step'];

it('ends alike in whichever order its messages come', { timeout: 900_000 }, () => {
  const ends = new Map<string, number>();
  fc.assert(
    fc.property(document, input, numbers(100, 200), (drawn, given, chances) => {
      const deployed = withoutRaces(drawn);
      const inOrder = run(deployed, given, () => 0);
      const chance = new Chance(chances);
      expect(run(deployed, given, (size) => chance.below(size))).toEqual(inOrder);
      expect(run(deployed, given, (size) => size - 1)).toEqual(inOrder);
      ends.set(inOrder.status, (ends.get(inOrder.status) ?? 0) + 1);
    }),
    { numRuns: DEFINITIONS, endOnFailure: process.env.CI === 'true' },
  );
  // Runs that all end alike would show little.
  for (const status of ['completed', 'incident']) expect(ends.get(status) ?? 0, status).toBeGreaterThan(DEFINITIONS / 10);
});

/** @param choose which of so many messages comes next. */
function run(deployed: JsonObject, given: JsonObject, choose: (size: number) => number) {
  const scenario = new Scenario(deployed, given);
  for (let sent = 0; !hasEnded(scenario.state); sent++) {
    const messages = messagesOf(scenario);
    const next = messages[choose(messages.length)];
    if (next === undefined) break;
    if (sent > MESSAGES_MAX) throw new Error('the definition goes on and on');
    scenario.send(next);
  }
  const came = {
    status: scenario.status,
    output: scenario.state.output,
    tasks: Object.fromEntries(tasksOf(scenario.state).map((task) => [task.path, outcomeOf(task)])),
    incidents: Object.fromEntries(Object.entries(scenario.incidents).map(([path, { phase, error }]) => [path, [phase, error]])),
  };
  return { status: came.status, came: JSON.parse(JSON.stringify(came).replaceAll(CHILD_ID, 'child')) as Json };
}

/** What a task came to, without hashes, ids and numbers of entries. */
function outcomeOf({ path: _, ...task }: TaskState) {
  return {
    ...{ status: task.status, attempt: task.attempt },
    takenEdges: 'takenEdges' in task && task.takenEdges !== null ? [...task.takenEdges].sort() : null,
    output: 'output' in task ? task.output : null,
    error: 'error' in task ? task.error : null,
  };
}

/** All that may come next. */
function messagesOf(scenario: Scenario): readonly Notification[] {
  const messages: Notification[] = [];
  for (const task of tasksOf(scenario.state)) {
    const { path, attempt } = task;
    if (task.status === 'scheduled') messages.push({ type: 'TaskOutcome', path, attempt, basis: task.basis, result: resultOf(task) });
    if (task.type === 'human' && task.status === 'open') {
      const { command, by } = decision(task);
      messages.push(scenario.issued(command, by));
    }
    if (task.type === 'event' && task.status === 'open') {
      const event = { id: path, type: 'paid', source: 'bank', key: 'k', time: null, data: { n: 10 } };
      messages.push({ type: 'EventMatched', path, attempt, wait: 0, eventRowId: String(hashOf(path)), event, whereError: null });
    }
  }
  for (const book of allBooks(scenario.state)) {
    const path = taskOfBook(book);
    const parent = { kind: 'instance', instanceId: scenario.state.instanceId, path, attempt: 1 } as const;
    messages.push({ type: 'ChildEnd', childId: book.childId, parent, result: endOf(path, book.detached === true) });
  }
  for (const [timerId, { kind, ...timer }] of Object.entries(scenario.timers))
    if (timer.state === 'armed' && LEADING_ON.includes(kind)) messages.push({ type: 'TimerFired', timerId, kind, dueAt: timer.dueAt });
  return messages;
}

/** By what the task is, so that it comes to the same in each order. */
function resultOf({ path, attempt }: Pick<TaskState, 'path' | 'attempt'>): TaskOutcome['result'] {
  const error = (code: string) => ({ code, message: `${path} broke` });
  const kind = hashOf(`${path}#${attempt}`) % 8;
  if (kind === 0) return { status: 'failed', error: error('FATAL'), retryable: true, retryAfterMs: null };
  if (kind === 1) return { status: 'failed', error: error('BUSY'), retryable: false, retryAfterMs: null };
  return { status: 'completed', output: `${path} ${attempt}` };
}

function endOf(path: string, isDetached: boolean): ChildResult {
  if (isDetached) return { status: 'started' };
  return hashOf(path) % 4 === 0
    ? { status: 'failed', error: { code: 'FATAL', message: 'the child broke' } }
    : { status: 'completed', output: path };
}

function hashOf(text: string): number {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  return hash;
}
