/** No phase of a step that changes thousands of tasks is one piece of work: the event loop runs in between. No clock is needed to see it. */
import { expect, test } from 'vitest';
import { definitionOf, INSTANCE_ID, Scenario } from '../../test/support/scenario.ts';
import type { CommandIssued } from '../core/instance/decide/notification.ts';
import { defaultRunLimits, judge, step, stepInParts } from '../core/instance/index.ts';
import { timersOf } from '../core/instance/state/scopes.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { Json } from '../core/json.ts';
import type { InParts } from '../core/parts.ts';
import { createOutgoing } from '../messaging/outgoing.ts';
import { memoryCodec, PREFIX } from '../orchestrator/testing/fixture.ts';
import { inTurns } from '../store/in-turns.ts';
import { allParts, partsValues } from '../store/postgres/instances/parts/index.ts';
import { entriesText } from '../store/stored/short-history.ts';
import { TransitionRows } from '../store/stored/transition-rows.ts';
import { transitionInParts } from './transition.ts';

const ITEMS = 2_000;
/** Events of a cancel for each item: its task's, its child's, its scope's. */
const EVENTS_AT_ONCE = 250;

function counted<T>(work: InParts<T>): { readonly value: T; readonly parts: number } {
  for (let parts = 1; ; parts++) {
    const next = work.next();
    if (next.done === true) return { value: next.value, parts };
  }
}

/** All items are open. */
function opened(each: Json): Scenario {
  const document = { id: 'wide', nodes: { each: { type: 'forEach', items: '${ input.items }', concurrency: ITEMS, ...(each as object) } } };
  const scenario = new Scenario(document, { items: Array.from({ length: ITEMS }, (_, n) => n) });
  while (timersOf(scenario.state)['each#loop']?.state === 'armed') scenario.timer('each#loop');
  return scenario;
}

const kinds = [
  { name: 'children', each: { workflow: { definition: 'child', input: '${ item }' } }, events: 3 * ITEMS },
  {
    name: 'tasks and waits',
    each: { body: { nodes: { a: { type: 'task', task: 'x' }, b: { type: 'event', event: 'e', key: 'k', timeout: '1h' } } } },
    events: 3 * ITEMS,
  },
] as const;

test.each(kinds)('The cancel of $name', { timeout: 60_000 }, async ({ each, events }) => {
  const { state, definition, now } = opened(each);
  const notification = {
    type: 'CommandIssued',
    commandId: 'c',
    by: 'ada',
    issuedAt: now,
    command: { type: 'cancel', reason: null },
  } as const;
  const cancel = [{ instanceId: INSTANCE_ID, cause: 'n/0@9', notification: notification as never }];
  const inParts = () => stepInParts(definition, state, cancel, now, defaultRunLimits);

  const { value: result, parts } = counted(inParts());
  expect(result.history.length).toBeGreaterThan(events);
  expect(parts).toBeGreaterThan(events / EVENTS_AT_ONCE);
  expect(result).toEqual(step(definition, state, cancel, now));
  expect(await inTurns(inParts())).toEqual(result);

  const outgoing = createOutgoing({ codec: (await memoryCodec()).codec, prefix: PREFIX, partitions: 1, publishTopics: [] });
  const { value: transition } = counted(transitionInParts(outgoing, 0, { state, version: 1 }, result));
  const rows = new TransitionRows();
  const added = counted(rows.addInParts(transition));
  expect(added.parts).toBeGreaterThan(events / EVENTS_AT_ONCE);
  expect(counted(entriesText(added.value.entries)).parts).toBeGreaterThan(events / EVENTS_AT_ONCE);
  expect(counted(partsValues(allParts, rows)).parts).toBeGreaterThan(10);
});

test.each(kinds)('The pause, the resume and the move to another version of $name', { timeout: 60_000 }, async ({ each }) => {
  const outgoing = createOutgoing({ codec: (await memoryCodec()).codec, prefix: PREFIX, partitions: 1, publishTopics: [] });
  const { state, definition, now } = opened(each);
  const target = definitionOf({ ...(definition.document as object), title: 'Changed' }, 2);
  expect(counted(judge(definition, state, target, now))).toMatchObject({ value: { reasons: [] }, parts: expect.toSatisfy(isMany) });
  const issue = (of: InstanceState, command: CommandIssued['command'], at: number) => {
    const notification = { type: 'CommandIssued', commandId: `c${at}` as CommandIssued['commandId'], by: 'ada', command } as const;
    const given = [{ instanceId: INSTANCE_ID, cause: 'n/0@9', notification }];
    const versions = new Map([[2, target]]);
    const { value, parts } = counted(stepInParts(definition, of, given, at, defaultRunLimits, versions));
    expect(value).toEqual(step(definition, of, given, at, defaultRunLimits, versions));
    expect(value.rejected).toEqual([]);
    expect(parts, command.type).toSatisfy(isMany);
    const { value: transition } = counted(transitionInParts(outgoing, 0, { state: of, version: 1 }, value));
    const rows = new TransitionRows();
    counted(rows.addInParts(transition));
    if (command.type === 'pause') expect(counted(partsValues(allParts, rows)).parts, 'columns of a pause').toBeGreaterThan(50);
    return value.state;
  };
  const resumed = issue(issue(state, { type: 'pause' }, now + 1), { type: 'resume' }, now + 2);
  expect(issue(resumed, { type: 'migrate', version: 2, reason: null }, now + 3)).toMatchObject({ definitionVersion: 2 });
});

function isMany(parts: unknown): boolean {
  return typeof parts === 'number' && parts >= ITEMS / 400;
}

test('a short step is one part, which ends at once', () => {
  const scenario = new Scenario({ id: 'short', nodes: { a: { type: 'task', task: 'x' } } });
  const done = { instanceId: INSTANCE_ID, cause: 'n/0@9', notification: scenario.outcome('a', { status: 'completed', output: 1 }) };
  const result = inTurns(stepInParts(scenario.definition, scenario.state, [done], scenario.now, defaultRunLimits));
  expect(result).not.toBeInstanceOf(Promise);
  expect(result).toMatchObject({ state: { phase: 'completed' } });
});

test('What a pause does to all scopes is a part, and so is what follows from it', () => {
  const { state, definition, now } = new Scenario({ id: 'short', nodes: { a: { type: 'task', task: 'x' } } });
  const notification = { type: 'CommandIssued', commandId: 'c', by: 'ada', issuedAt: now, command: { type: 'pause' } } as const;
  const pause = [{ instanceId: INSTANCE_ID, cause: 'n/0@9', notification: notification as never }];
  expect(counted(stepInParts(definition, state, pause, now, defaultRunLimits)).parts).toBeGreaterThanOrEqual(3);
});
