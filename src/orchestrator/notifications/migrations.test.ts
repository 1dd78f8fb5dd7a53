/** A command that moves an instance to another version, as an orchestrator applies it. */
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import { commandIdOf, definitionOf, Fixture, twoTasks } from '../testing/fixture.ts';

const second = definitionOf(
  {
    ...(twoTasks as object),
    nodes: { pick: { type: 'task', task: 'pick' }, pack: { type: 'wait', for: '1h' } },
  },
  2,
);
const migrate = { type: 'migrate', version: 2, reason: 'a mistake' } as const;

async function started(): Promise<Fixture> {
  const fixture = await Fixture.start();
  fixture.begin();
  const first = fixture.stored.get;
  fixture.stored.get = async (id, version) => (version === 2 ? second : await first(id, version));
  return fixture;
}

describe('A migration', () => {
  test('leads on by the new version, in the same batch and from the cache', async () => {
    const fixture = await started();
    await fixture.process(fixture.command(0, migrate), fixture.outcome(1));
    expect(fixture.store.written).toHaveLength(1);
    expect(fixture.state()).toMatchObject({ definitionVersion: 2, tasks: { pick: { status: 'completed' }, pack: { type: 'wait' } } });
    await fixture.process(fixture.command(2, { type: 'pause' }));
    expect(fixture.state()).toMatchObject({ definitionVersion: 2, paused: { by: 'ada' } });
  });

  test('is refused for a version that was never deployed, or that cannot be read', async () => {
    const fixture = await started();
    fixture.stored.get = async (_id, version) => {
      if (version === 1) return fixture.definition;
      if (version === 2) throw new MillraceError('MR_DEFINITION_UNREADABLE', 'An older engine deployed it.', { retryable: false });
      return null;
    };
    await fixture.process(fixture.command(0, migrate), fixture.command(1, { ...migrate, version: 3 }));
    const refused = fixture.store.written.flatMap(({ effects }) => effects.filter(({ type }) => type === 'commandRefused'));
    expect(refused).toMatchObject([0, 1].map((n) => ({ commandId: commandIdOf(n), code: 'MR_MIGRATION_REFUSED' })));
    expect(fixture.state().definitionVersion).toBe(1);
  });

  test('waits while the definitions are away', async () => {
    const fixture = await started();
    const { get } = fixture.stored;
    let asked = 0;
    fixture.stored.get = async (id, version) => {
      if (version === 2 && ++asked < 3) throw new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
      return await get(id, version);
    };
    await fixture.process(fixture.command(0, migrate));
    expect(asked).toBe(3);
    expect(fixture.state().definitionVersion).toBe(2);
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });
});
