/** Reads a `forEach` node: it runs its body for each item of an array. */
import { shown, suggest } from '../../definition/errors.ts';
import type { ForEachNode } from '../../definition/types.ts';
import { ROOTS } from '../../expression/index.ts';
import { isJsonObject, type Json } from '../../json.ts';
import type { FailureEnding } from '../common/failure-ending.ts';
import { type NodeContext, opening, readCommon, readDuration } from '../common/node-context.ts';

/** Most items of one forEach. */
export const ITEMS_MAX = 10_000;
const CONCURRENCY_MAX = 100_000;
/** More than there can be items. */
const FAILURES_MAX = 1_000_000_000;
/** What CEL can read as a name. */
const ITEM_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const RESERVED =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/;

export function readForEach(context: NodeContext): ForEachNode {
  const { reader, expressions } = context;
  const items = reader.required('items', 'an expression that gives the array');
  const as = readItemName(context);
  return {
    ...readCommon(context),
    type: 'forEach',
    items: expressions.template(items === undefined ? [] : checkedItems(context, items), reader.at('items'), opening(context), {
      wanted: { type: 'array', what: 'What a forEach goes through' },
    }),
    as,
    concurrency: reader.integer('concurrency', 1, CONCURRENCY_MAX) ?? null,
    failuresMax: readFailuresMax(context),
    ...readEarlyEnd(context, as),
    timeout: readDuration(context, 'timeout'),
    ...readItems(context, as),
  };
}

/** What runs for each item: a graph, or a child. */
function readItems({ reader, readBody, readItemChild }: NodeContext, as: string | null): Pick<ForEachNode, 'body' | 'hasChildren'> {
  if (reader.raw('workflow') === undefined) return { body: readBody({ type: 'forEach', as }), hasChildren: false };
  if (reader.raw('body') !== undefined)
    reader.errors.add(
      reader.at('workflow'),
      'MR_DEF_SHAPE',
      'A forEach runs either a "body" or a "workflow" for each item: leave one of them out.',
    );
  return { body: readItemChild(as), hasChildren: true };
}

/** An array that is written out, or an expression that gives one. */
function checkedItems({ reader }: NodeContext, items: Json): Json {
  if (Array.isArray(items) || (typeof items === 'string' && items.includes('${'))) return items;
  reader.refuse('items', 'an array, or an expression that gives one, such as "${ input.orders }"');
  return [];
}

function readItemName({ reader, scope }: NodeContext): string | null {
  const name = reader.string('as');
  if (name === undefined) return null;
  const known: readonly string[] = [...ROOTS, 'secrets'];
  if (!ITEM_NAME.test(name) || RESERVED.test(name) || known.includes(name)) {
    const rule = `a letter or _, then letters, digits and _, at most 64 characters, and none of ${known.join(', ')}`;
    reader.errors.add(reader.at('as'), 'MR_DEF_ID', `${shown(name)} cannot be the name of an item: ${rule}.`);
    return null;
  }
  if (scope.itemNames.includes(name)) {
    const message = `A loop around this one calls its item ${shown(name)} already: use another name.`;
    reader.errors.add(reader.at('as'), 'MR_DEF_DUPLICATE', message);
    return null;
  }
  return name;
}

/** @returns null where the language leaves it to `onFailure` of the definition. */
function readFailuresMax({ reader }: NodeContext): number | null {
  const value = reader.raw('onItemFailure');
  if (value === undefined) return null;
  if (value === 'fail') return 0;
  if (value === 'continue') return FAILURES_MAX;
  if (isJsonObject(value)) {
    const nested = reader.nested('onItemFailure');
    nested?.required('maxFailures', 'how many items may fail');
    const failuresMax = nested?.integer('maxFailures', 0, FAILURES_MAX) ?? null;
    nested?.end('"onItemFailure"');
    return failuresMax;
  }
  const hint = typeof value === 'string' ? suggest(value, ['fail', 'continue']) : '';
  reader.refuse('onItemFailure', '"fail", "continue" or {"maxFailures": n}', hint);
  return null;
}

/** What completes the node before all items have: a condition, or a number of items. */
function readEarlyEnd(context: NodeContext, as: string | null): Pick<ForEachNode, 'until' | 'atLeast'> {
  const { reader, expressions, scope, id: nodeId } = context;
  const until = reader.raw('until');
  const atLeast = reader.integer('atLeast', 1, ITEMS_MAX) ?? null;
  if (until === undefined) return { until: null, atLeast };
  if (reader.raw('atLeast') !== undefined)
    reader.errors.add(reader.pointer, 'MR_DEF_SHAPE', '"until" and "atLeast" both say when the loop ends early: use one of them.');
  if (as === 'results') {
    const message = 'An item cannot be called "results" here, since "until" calls the results of the items so: use another name.';
    reader.errors.add(reader.at('as'), 'MR_DEF_DUPLICATE', message);
  }
  return { until: expressions.condition(until, reader.at('until'), { kind: 'items', scope, nodeId, as }), atLeast };
}

export function whyForEachNeverEnds({ name, failuresMax, atLeast, timeout }: ForEachNode, on: FailureEnding): string | null {
  if (on === 'timedOut') return timeout === null ? `"${name}" has no "timeout".` : null;
  if (on === 'any' && timeout !== null) return null;
  if (failuresMax !== null || atLeast !== null) return null;
  return `"${name}" has no "onItemFailure" and no "atLeast", so a task that fails in its body is an incident there.`;
}
