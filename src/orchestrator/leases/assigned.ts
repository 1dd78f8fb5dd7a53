/** What an orchestrator keeps between the batches of one assignment: states, and the leases of held tasks. */
import type { AssignedStateCache, StateCache } from '../../engine/process/state-cache.ts';
import { Leases } from './leases.ts';

export type Assigned = { readonly cache: StateCache; readonly leases: Leases };

/** Makes both anew at each assignment. */
export class Assignments {
  readonly #caches: Pick<AssignedStateCache, 'open'>;
  readonly #openLeases: () => Leases;
  #current: Assigned | null = null;

  constructor(caches: Pick<AssignedStateCache, 'open'>, openLeases: () => Leases = () => new Leases()) {
    this.#caches = caches;
    this.#openLeases = openLeases;
  }

  open(): Assigned {
    const opened = { cache: this.#caches.open(), leases: this.#openLeases() };
    this.#current = opened;
    return opened;
  }

  /** null before the first one. */
  get current(): Assigned | null {
    return this.#current;
  }
}
