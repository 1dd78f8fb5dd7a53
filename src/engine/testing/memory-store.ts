/** The part of the instance store that processing needs, in memory: the version check is real, failures are ordered by the test. */
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceStore, StoredInstance, Transition } from '../../store/instance-store.ts';

export class MemoryStore implements Pick<InstanceStore, 'load' | 'apply'> {
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

  async load(_partition: number, ids: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
    this.loaded.push(...ids);
    return new Map(
      ids.flatMap((id) => {
        const found = this.instances.get(id);
        return found === undefined ? [] : [[id, found] as const];
      }),
    );
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
      const { instanceId, expectedVersion, after, history } = transition;
      this.instances.set(instanceId, { state: after, version: expectedVersion + (history.length === 0 ? 0 : 1) });
      this.written.push(transition);
    }
    return { applied: new Set(winners.map(({ instanceId }) => instanceId)), now: 0 };
  }
}
