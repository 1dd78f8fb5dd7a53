/**
 * Gathers calls of several partitions into one statement: an orchestrator processes the partitions that are ready in rounds, and a
 * round so costs one round trip and one commit. What was called in one turn of the event loop goes together. When the statement
 * fails by an error that one of the calls may have caused, each call is made alone; after an outage all are made alone for a
 * while, so that a statement that hangs holds up its own partition only. Relies on calls of which none depends on another.
 */
import { MillraceError } from '../core/error.ts';

export type Gathering<Item, Result, Id extends string> = {
  /** One statement, or one transaction: for all of them or for none. */
  readonly run: (items: readonly Item[]) => Promise<Result>;
  readonly idOf: (item: Item) => Id;
  /** false: an item that is to be with those of its own call only. */
  readonly isGathered: (item: Item) => boolean;
  /** The part of a result that is about these ids. */
  readonly partOf: (result: Result, ids: ReadonlySet<Id>) => Result;
  /** Most items of a statement, unless a single call has more. Default 500. */
  readonly itemsMax?: number;
  /** How large an item is; default 0. Large ones gain nothing by a statement of many, whose parameters are made in one turn of the event loop. */
  readonly bytesOf?: (item: Item) => number;
  /** Most bytes of a statement, unless a single call has more. Default 1 MiB. */
  readonly bytesMax?: number;
  /** How long calls are made alone after an outage; default 10 s. */
  readonly apartMs?: number;
};

type Call<Item, Result, Id> = {
  readonly items: readonly Item[];
  readonly ids: ReadonlySet<Id>;
  readonly bytes: number;
  readonly done: PromiseWithResolvers<Result>;
};

export function gatherCalls<Item, Result, Id extends string>({
  run,
  idOf,
  isGathered,
  partOf,
  itemsMax = 500,
  bytesOf = () => 0,
  bytesMax = 1_048_576,
  apartMs = 10_000,
}: Gathering<Item, Result, Id>): (items: readonly Item[]) => Promise<Result> {
  let waiting: Call<Item, Result, Id>[] = [];
  let apartUntil = Number.NEGATIVE_INFINITY;

  async function runAlone({ items, done }: Call<Item, Result, Id>): Promise<void> {
    try {
      done.resolve(await run(items));
    } catch (error) {
      done.reject(error);
    }
  }

  async function runTogether(calls: readonly Call<Item, Result, Id>[]): Promise<void> {
    const [first] = calls;
    if (first !== undefined && calls.length === 1) return await runAlone(first);
    try {
      const result = await run(calls.flatMap(({ items }) => items));
      for (const { ids, done } of calls) done.resolve(partOf(result, ids));
    } catch (error) {
      const isOutage = error instanceof MillraceError && error.retryable;
      // Nothing was written. Who called makes the call again.
      if (isOutage) {
        apartUntil = performance.now() + apartMs;
        for (const { done } of calls) done.reject(error);
      } else await Promise.all(calls.map(runAlone));
    }
  }

  function runAll(): void {
    const calls = waiting;
    waiting = [];
    const isApart = performance.now() < apartUntil;
    const statements: { readonly calls: Call<Item, Result, Id>[]; readonly ids: Set<Id>; bytes: number }[] = [];
    for (const call of calls) {
      if (isApart || !call.items.every(isGathered)) {
        void runAlone(call);
        continue;
      }
      // One id is in a statement once: two generations of a partition may both be at work for a moment.
      let into = statements.find(
        ({ ids, bytes }) =>
          ids.size + call.ids.size <= itemsMax && bytes + call.bytes <= bytesMax && !call.items.some((item) => ids.has(idOf(item))),
      );
      if (into === undefined) {
        into = { calls: [], ids: new Set(), bytes: 0 };
        statements.push(into);
      }
      into.calls.push(call);
      into.bytes += call.bytes;
      for (const id of call.ids) into.ids.add(id);
    }
    for (const statement of statements) void runTogether(statement.calls);
  }

  return (items) => {
    const bytes = items.reduce((sum, item) => sum + bytesOf(item), 0);
    const call = { items, ids: new Set(items.map(idOf)), bytes, done: Promise.withResolvers<Result>() };
    if (waiting.push(call) === 1) setImmediate(runAll);
    return call.done.promise;
  };
}
