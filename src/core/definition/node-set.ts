/**
 * Sets of nodes of one graph, a bit for each node: in a chain of a thousand each has all before it as ancestors, half a million
 * together, and a `Set` for each would take tens of milliseconds and of megabytes.
 */
import type { NodeId } from '../ids.ts';

export interface ReadonlyNodeSet extends Iterable<NodeId> {
  readonly size: number;
  has(id: NodeId): boolean;
}

/** The nodes that sets of one graph may hold, in the order in which they name them. */
export class NodeOrder {
  readonly ids: readonly NodeId[];
  readonly #places: ReadonlyMap<NodeId, number>;

  constructor(ids: readonly NodeId[]) {
    this.ids = ids;
    this.#places = new Map(ids.map((id, place) => [id, place]));
  }

  placeOf(id: NodeId): number | undefined {
    return this.#places.get(id);
  }

  emptySet(): NodeSet {
    return new NodeSet(this);
  }
}

const BITS = 32;

export class NodeSet implements ReadonlyNodeSet {
  readonly #order: NodeOrder;
  readonly #words: Uint32Array;

  constructor(order: NodeOrder) {
    this.#order = order;
    this.#words = new Uint32Array(Math.ceil(order.ids.length / BITS));
  }

  has(id: NodeId): boolean {
    const place = this.#order.placeOf(id);
    return place !== undefined && this.#holds(place);
  }

  /** Of another graph's node: nothing. */
  add(id: NodeId): void {
    const place = this.#order.placeOf(id);
    if (place === undefined) return;
    const word = Math.floor(place / BITS);
    this.#words[word] = ((this.#words[word] ?? 0) | (1 << (place % BITS))) >>> 0;
  }

  /** @param other of the same order. */
  addAll(other: NodeSet): void {
    for (const [word, bits] of other.#words.entries()) this.#words[word] = ((this.#words[word] ?? 0) | bits) >>> 0;
  }

  get size(): number {
    let size = 0;
    for (const word of this.#words) size += countBits(word);
    return size;
  }

  *[Symbol.iterator](): Iterator<NodeId> {
    for (const [place, id] of this.#order.ids.entries()) if (this.#holds(place)) yield id;
  }

  #holds(place: number): boolean {
    return (((this.#words[Math.floor(place / BITS)] ?? 0) >>> (place % BITS)) & 1) === 1;
  }
}

/** Added up in pairs, then in fours, then in bytes. */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
