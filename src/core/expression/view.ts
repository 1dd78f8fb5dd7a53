/**
 * Shows JSON to CEL as it is, without copying: maps over own properties only (so that `constructor` and `__proto__` are keys like
 * any other) and lists over arrays. Views are made anew each time: caching them costs more.
 */
import { type CelList, type CelMap, type CelValue, celList, celMap } from '@bufbuild/cel';
import type { Json, JsonObject } from '../json.ts';
import { charge, FAILURE_UNITS } from './evaluation.ts';

/** The library recognises its own maps and lists by a symbol that it does not export; it is read from one of them. */
function markOf(value: object): symbol {
  const [mark] = Object.getOwnPropertySymbols(value);
  if (mark === undefined) throw new Error('Bug: the CEL library marks its values in another way');
  return mark;
}

const MAP_MARK = markOf(celMap(new Map()));
const LIST_MARK = markOf(celList([]));

export class JsonMapView {
  readonly json: JsonObject;
  #keys: readonly string[] | undefined;

  constructor(json: JsonObject) {
    this.json = json;
  }

  get #names(): readonly string[] {
    this.#keys ??= Object.keys(this.json);
    return this.#keys;
  }

  get size(): number {
    return this.#names.length;
  }

  get(key: unknown): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) {
      // The library makes an error of it.
      charge(FAILURE_UNITS);
      return undefined;
    }
    const value = this.json[key];
    return value === undefined ? undefined : viewOf(value);
  }

  has(key: unknown): boolean {
    return typeof key === 'string' && Object.hasOwn(this.json, key);
  }

  forEach(callback: (value: CelValue, key: string, map: unknown) => void, self?: unknown): void {
    for (const [key, value] of this.entries()) callback.call(self, value, key, this);
  }

  *entries(): Generator<[string, CelValue]> {
    for (const key of this.#names) yield [key, viewOf(this.json[key] ?? null)];
  }

  keys(): IterableIterator<string> {
    return this.#names.values();
  }

  *values(): Generator<CelValue> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[string, CelValue]> {
    return this.entries();
  }
}

export class JsonListView {
  readonly json: readonly Json[];

  constructor(json: readonly Json[]) {
    this.json = json;
  }

  get size(): number {
    return this.json.length;
  }

  get(index: number): CelValue | undefined {
    const value = this.json[index];
    return value === undefined ? undefined : viewOf(value);
  }

  *values(): Generator<CelValue> {
    for (const value of this.json) yield viewOf(value);
  }

  [Symbol.iterator](): Generator<CelValue> {
    return this.values();
  }
}

/**
 * A list that grows at its end by sharing what it has: comprehensions add one element a round, and the library's own way
 * (lists of lists of lists) would make reading the result quadratic.
 */
export class GrownList {
  readonly #elements: CelValue[];
  readonly size: number;

  constructor(elements: CelValue[]) {
    this.#elements = elements;
    this.size = elements.length;
  }

  /** Whether nothing was added behind this list yet, so that it can grow without being copied. */
  get isNewest(): boolean {
    return this.#elements.length === this.size;
  }

  /** @returns a list that is this one and `more`; this one stays as it is. */
  grow(more: Iterable<CelValue>): GrownList {
    const elements = this.isNewest ? this.#elements : this.#elements.slice(0, this.size);
    for (const value of more) elements.push(value);
    return new GrownList(elements);
  }

  get(index: number): CelValue | undefined {
    return index < this.size ? this.#elements[index] : undefined;
  }

  *values(): Generator<CelValue> {
    for (let index = 0; index < this.size; index++) {
      const value = this.#elements[index];
      if (value !== undefined) yield value;
    }
  }

  [Symbol.iterator](): Generator<CelValue> {
    return this.values();
  }
}

for (const View of [JsonListView, GrownList]) Object.defineProperty(View.prototype, LIST_MARK, { value: {} });
Object.defineProperty(JsonMapView.prototype, MAP_MARK, { value: {} });

export function viewOf(json: Json): CelValue {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return new JsonListView(json) as unknown as CelList;
  return new JsonMapView(json as JsonObject) as unknown as CelMap;
}

/** The JSON behind a view; undefined for what an expression made itself. */
export function jsonBehind(value: object): Json | undefined {
  return value instanceof JsonMapView || value instanceof JsonListView ? value.json : undefined;
}

export function concatenated(left: CelList, right: CelList): CelList {
  const start = left instanceof GrownList ? left : new GrownList([...left]);
  return start.grow(right) as unknown as CelList;
}

export function listOf(values: CelValue[]): CelList {
  return new GrownList(values) as unknown as CelList;
}

/** The library's maps treat a key whose value is null as missing. */
export function withNullValues(map: CelMap): CelMap {
  const has = (key: Parameters<CelMap['get']>[0]): boolean => map.get(key) !== undefined;
  return map.size === 0 ? map : Object.defineProperty(map, 'has', { value: has });
}

export function mapOf(entries: readonly (readonly [string, CelValue])[]): CelMap {
  return withNullValues(celMap(new Map(entries)));
}
