/** The part of the instance store that processing needs, in memory: the version check is real, failures are ordered by the test. */
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceStore, StoredInstance, Transition, WantedInstance } from '../../store/instance-store.ts';
import { type NeededScopes, partOf, scopesOf, wholeAfter } from '../../store/stored/partial-state.ts';

export class MemoryStore implements Pick<InstanceStore, 'load' | 'loadScopes' | 'apply'> {
  readonly instances = new Map<InstanceId, StoredInstance>();
  /** What won, in the order of writing. */
  readonly written: Transition[] = [];
  /** Instances that were asked for. */
  readonly loaded: InstanceId[] = [];
  /** Transitions that were given, by call. */
  readonly calls: (readonly Transition[])[] = [];
  /** Gives what the database throws for these, or null. */
  refuse: (transitions: readonly Transition[]) => Error | null = () => null;
  /** Runs before anything is written: a zombie may write first. */
  before: () => void | Promise<void> = () => undefined;

  async load(_partition: number, wanted: readonly WantedInstance[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
    this.loaded.push(...wanted.map(({ instanceId }) => instanceId));
    return new Map(
      wanted.flatMap(({ instanceId, scopes }) => {
        const found = this.instances.get(instanceId);
        return found === undefined ? [] : [[instanceId, { ...found, state: partOf(found.state, scopes) }] as const];
      }),
    );
  }

  async loadScopes(_partition: number, instanceId: InstanceId, version: number, needed: NeededScopes) {
    const found = this.instances.get(instanceId);
    return found?.version === version ? scopesOf(found.state, needed) : null;
  }

  async apply(
    _partition: number,
    transitions: readonly Transition[],
  ): Promise<{ readonly applied: ReadonlySet<InstanceId>; readonly now: number }> {
    this.calls.push(transitions);
    await this.before();
    const error = this.refuse(transitions);
    if (error !== null) throw error;
    const winners = transitions.filter(({ instanceId, expectedVersion }) => this.instances.get(instanceId)?.version === expectedVersion);
    for (const transition of winners) {
      const { instanceId, expectedVersion, before, after, history } = transition;
      const stored = this.instances.get(instanceId)?.state;
      const state = stored === undefined || before === null ? after : wholeAfter(stored, before, after);
      this.instances.set(instanceId, { state, version: expectedVersion + (history.length === 0 ? 0 : 1) });
      this.written.push(transition);
    }
    return { applied: new Set(winners.map(({ instanceId }) => instanceId)), now: 0 };
  }
}
