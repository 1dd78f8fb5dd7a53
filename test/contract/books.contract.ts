/** What every instance store must do with children: start each once, keep the books of parents, and ask after who was unheard of. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { DefinitionId, EpochMs, InstanceId, TaskPath } from '../../src/core/ids.ts';
import { CHILD_AGE_MS_MAX } from '../../src/core/instance/children/age.ts';
import { childIdOf } from '../../src/core/instance/children/child-id.ts';
import type { ChildRequest } from '../../src/core/instance/children/messages.ts';
import { stillborn } from '../../src/core/instance/index.ts';
import { bookAt } from '../../src/core/instance/state/scopes.ts';
import { ASK_MS_MIN, type ChildRow } from '../../src/store/books.ts';
import type { Start } from '../../src/store/instance-store.ts';
import {
  message,
  newCommandId,
  newDefinition,
  openLab,
  type StoreLab,
  type StoreUnderTest,
  topics,
  transitionOf,
} from '../support/store-lab.ts';

const child = { type: 'workflow', definition: 'ship', input: { to: '${ input.to }' } };
const path = 'n' as TaskPath;

/** @param factory called once; the store may hold what other tests wrote. */
export function testBooks(factory: () => Promise<StoreUnderTest>): void {
  let lab: StoreLab;
  /** Makes the rows of a parent due. */
  let age: StoreUnderTest['ageBooks'];

  beforeAll(async () => {
    const given = await factory();
    lab = await openLab(given);
    age = given.ageBooks;
  });

  const ask = async (limit = 1_000): Promise<ChildRow[]> => {
    const asked: ChildRow[] = [];
    await lab.store.askChildren(limit, (due) => {
      asked.push(due);
      return message('ChildWord', topics.notifications, due.childId, { wish: due.request.wish });
    });
    return asked;
  };
  /** Of this parent; other tests may have rows that are due. */
  const askOf = async (parent: InstanceId): Promise<ChildRequest[]> =>
    (await ask()).flatMap(({ request }) => (request.parent.kind === 'instance' && request.parent.instanceId === parent ? [request] : []));

  describe('the books', () => {
    it('hold a child until its end was heard, and come back with the state as they were', async () => {
      const definition = newDefinition({ nodes: { n: child } });
      const id = await lab.start(definition, { to: 'Oslo' });
      const book = bookAt((await lab.stored(id)).state, path);
      expect(book).toMatchObject({ definitionId: 'ship', wish: 'run', number: 1, input: { to: 'Oslo' } });
      const parent = { kind: 'instance', instanceId: id, path, attempt: 1 } as const;
      const result = { status: 'completed', output: 7 } as const;
      const state = await lab.step(definition, id, { type: 'ChildEnd', childId: book?.childId ?? id, parent, result });
      expect(state).toMatchObject({ phase: 'completed', childCount: 0 });
      expect(bookAt((await lab.stored(id)).state, path)).toBeUndefined();
      await age(id, ASK_MS_MIN);
      expect(await askOf(id)).toEqual([]);
    });

    it('are asked from after five minutes, and then when twice as long has passed', async () => {
      const id = await lab.start(newDefinition({ nodes: { n: child } }), { to: 'Oslo' });
      expect(await askOf(id)).toEqual([]);
      await age(id, ASK_MS_MIN);
      const parent = { kind: 'instance', instanceId: id, path, attempt: 1 };
      const what = { parent, depth: 1, detached: false, wish: 'run', number: 1, definitionId: 'ship', definitionVersion: null };
      expect(await askOf(id)).toEqual([what]);
      expect(await askOf(id)).toEqual([]);
      await age(id, ASK_MS_MIN);
      expect(await askOf(id)).toEqual([]);
      await age(id, ASK_MS_MIN);
      expect(await askOf(id)).toEqual([what]);
    });

    it('say the newest wish, and begin to wait anew with it', async () => {
      const definition = newDefinition({ nodes: { n: child } });
      const id = await lab.start(definition, { to: 'Oslo' });
      await age(id, ASK_MS_MIN);
      await lab.step(definition, id, { type: 'CommandIssued', commandId: newCommandId(), by: 'ada', command: { type: 'pause' } });
      expect(await askOf(id)).toEqual([]);
      await age(id, ASK_MS_MIN);
      expect(await askOf(id)).toMatchObject([{ wish: 'pause', number: 2 }]);
    });

    it('are asked a page at a time', async () => {
      const id = await lab.start(newDefinition({ nodes: { a: child, b: child, c: child } }), { to: 'Oslo' });
      await age(id, ASK_MS_MIN);
      expect(await ask(2)).toHaveLength(2);
      expect(await ask(2)).toHaveLength(1);
    });
  });

  describe('a child', () => {
    const request = (parentId: InstanceId): ChildRequest => ({
      parent: { kind: 'instance', instanceId: parentId, path, attempt: 1 },
      ...{ depth: 1, detached: false, wish: 'run', number: 1, definitionId: 'ship' as DefinitionId, definitionVersion: 1 },
    });
    /** One that was refused, which needs no definition. */
    const startOf = async (at: EpochMs): Promise<Start> => {
      const { transition } = await lab.decideStart(newDefinition({ nodes: { n: child } }), { to: 'Oslo' });
      const { parent, depth, detached, number, definitionId } = request(transition.instanceId);
      const instanceId = childIdOf(transition.instanceId, { path, attempt: 1, basis: transition.after.basis }, at);
      const born = {
        ...{ instanceId, definitionId, definitionVersion: 1, input: { a: 1 }, businessKey: 'k', by: 'parent', cause: 'n/0@1' },
        child: { parent, depth, detached, number, isPaused: false },
      };
      return { transition: transitionOf(instanceId, null, 0, stillborn(born, { code: 'X', message: 'x' }, at)), idempotency: null };
    };

    it('is started once, and found by its parent', async () => {
      const start = await startOf(await lab.store.now());
      expect(await lab.store.start([start])).toEqual([{ kind: 'started' }]);
      expect(await lab.store.start([start])).toEqual([{ kind: 'present' }]);
      const { instanceId, after } = start.transition;
      expect((await lab.stored(instanceId)).state).toEqual(after);
      const { parent } = after.parent ?? {};
      const parentId = parent?.kind === 'instance' ? parent.instanceId : instanceId;
      const { items } = await lab.queries.list({ parent: parentId }, 10, null);
      expect(items.map((item) => item.instanceId)).toEqual([instanceId]);
    });

    it('is not started when it is too old to tell whether it ran before', async () => {
      const now = await lab.store.now();
      const [old, young] = [await startOf(now - CHILD_AGE_MS_MAX - 1_000), await startOf(now - CHILD_AGE_MS_MAX + 60_000)];
      expect(await lab.store.start([old, young])).toEqual([{ kind: 'gone' }, { kind: 'started' }]);
    });
  });
}
