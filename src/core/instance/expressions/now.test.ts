/** `now` in expressions (language, "Expressions"): the time of the deciding history entry. */
import { expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';

const clock = { type: 'transform', output: '${ now }' };
const work = { type: 'task', task: 'work', input: { at: '${ now }' } };

it('is the time of the entry that decides, in every expression of one step', () => {
  const document = graphOf({ a: clock, b: work, c: clock }, ['a>b', 'b>c'], { vars: { startedAt: '${ now }' } });
  const scenario = new Scenario(document);
  const startedAt = new Date(scenario.now).toISOString();
  expect(scenario.state.vars).toEqual({ startedAt });
  expect(scenario.task('a')).toMatchObject({ output: startedAt });
  expect(scenario.task('b')).toMatchObject({ payload: { input: { at: startedAt } } });
  scenario.now += 90_000;
  scenario.completes('b');
  expect(scenario.task('c')).toMatchObject({ output: new Date(scenario.now).toISOString() });
  expect(scenario.task('c')).not.toMatchObject({ output: startedAt });
});

it('can be computed with', () => {
  const scenario = new Scenario(nodeOf({ type: 'transform', output: "${ timestamp(now) + duration('1h') }" }));
  expect(Date.parse(String((scenario.task('n') as { output: unknown }).output))).toBe(scenario.now + 3_600_000);
});

it('is what history holds, however often it is folded again', () => {
  const scenario = new Scenario(nodeOf(clock));
  const { output } = scenario.task('n') as { output: unknown };
  const entry = scenario.history.find(({ event }) => event.type === 'TaskCompleted');
  expect(entry?.event).toMatchObject({ output, at: scenario.now });
});
