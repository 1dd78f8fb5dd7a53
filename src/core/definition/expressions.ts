/**
 * Compiles the expressions, templates, times and schemas of a document, and keeps every use of an expression with its
 * place, so that references are checked once the whole graph is known.
 */

import { compiledInParts } from '../compilation.ts';
import { parseDuration, parseInstant } from '../duration.ts';
import {
  type CompileOptions,
  compileExpression,
  compileTemplate,
  type Expression,
  ExpressionError,
  evaluateCondition,
  type Reference,
  ROOTS,
  type Template,
} from '../expression/index.ts';
import type { NodeId } from '../ids.ts';
import type { Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import type { SchemaLimits } from '../schema/index.ts';
import { compileDeclared, declaredCost } from './declared-schema.ts';
import type { DefinitionErrors } from './errors.ts';
import type { GraphScope } from './graph-scope.ts';
import { warnOfStatuses, warnOfTemplate } from './likely-mistakes.ts';
import type { DurationSetting, InstantSetting, Schema } from './types.ts';

/** Where an expression is in the document, which decides what it may see. */
export type Place =
  /** `vars` and `timeout` of the definition: before anything ran. */
  | { readonly kind: 'start' }
  /** `when`, `input` and `key` of a trigger: the event or the time, since there is no instance yet. */
  | { readonly kind: 'trigger'; readonly of: 'event' | 'schedule' }
  /** While a node opens: what ran before it. */
  | { readonly kind: 'opening'; readonly scope: GraphScope; readonly nodeId: NodeId }
  /** `where` of an event node: the event too. */
  | { readonly kind: 'where'; readonly scope: GraphScope; readonly nodeId: NodeId }
  /** `until` and `while` of a `repeat`: what ran before it, and its rounds so far. */
  | { readonly kind: 'round'; readonly scope: GraphScope; readonly nodeId: NodeId }
  /** `until` of a `forEach`: what ran before it, its results so far, and the item that has just ended. */
  | { readonly kind: 'items'; readonly scope: GraphScope; readonly nodeId: NodeId; readonly as: string | null }
  /** `set` of a node, or the `when` of an edge from it: the node itself too. */
  | { readonly kind: 'leaving'; readonly scope: GraphScope; readonly nodeId: NodeId }
  /** The compensation of a node: the nodes that ran before it, and its own input and output. */
  | { readonly kind: 'compensating'; readonly scope: GraphScope; readonly nodeId: NodeId }
  /** `output` of a graph: everything in it. */
  | { readonly kind: 'end'; readonly scope: GraphScope };

export type ExpressionUse = {
  readonly pointer: string;
  readonly place: Place;
  readonly references: readonly Reference[];
  /** The source, when it must give a boolean. */
  readonly condition?: string;
  /** The string with expressions in it. */
  readonly text?: string;
  readonly wanted?: WantedValue;
};

/** What a template must give, wherever it leads; `what` begins a sentence. */
export type WantedValue = { readonly type: 'string' | 'array'; readonly what: string };
type TemplateRules = Pick<CompileOptions, 'encoders' | 'secrets'> & { readonly wanted?: WantedValue };

/** The name by which a compensation sees the node that it undoes: `{ input, output }`. */
export const COMPENSATED = 'node';

const NOTHING: Template = { references: [], isConstant: true, evaluate: () => null };
const NEVER: Expression = { source: '', references: [], evaluate: () => false };
/** What a validator of its own costs, in characters. */
const SCHEMA_COST = 100;
const ONE_MS: DurationSetting = { kind: 'constant', ms: 1 };

export class Expressions {
  readonly uses: ExpressionUse[] = [];
  /** What each string with expressions in it refers to. */
  readonly referencesIn = new Map<string, readonly Reference[]>();
  readonly #errors: DefinitionErrors;
  readonly #schemaLimits: SchemaLimits;

  constructor(errors: DefinitionErrors, schemaLimits: SchemaLimits) {
    this.#errors = errors;
    this.#schemaLimits = schemaLimits;
  }

  /** Bare CEL that gives a boolean. */
  condition(value: Json, pointer: string, place: Place): Expression {
    if (typeof value !== 'string' || value.trim() === '') {
      this.#errors.add(pointer, 'MR_DEF_SHAPE', 'A condition must be a string that holds an expression, such as `input.amount > 100`.');
      return NEVER;
    }
    if (value.trim().startsWith('${')) {
      this.#errors.add(pointer, 'MR_DEF_EXPRESSION', 'A condition is an expression by itself: leave out "${" and "}".');
      return NEVER;
    }
    const compiled = compileExpression(value, rootsAt(place));
    if (compiled.ok) {
      warnOfStatuses(value, pointer, this.#errors);
      this.uses.push({ pointer, place, references: compiled.value.references, condition: value });
      if (compiled.value.references.length === 0) this.#checkConstant(compiled.value, pointer);
      return compiled.value;
    }
    for (const { message, offset } of compiled.error) this.#refuse(pointer, message, offset);
    return NEVER;
  }

  /** A condition without references gives the same value each time, so one that would fail at run time is refused now. */
  #checkConstant(condition: Expression, pointer: string): void {
    try {
      evaluateCondition(condition, {});
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#refuse(pointer, `it always fails: ${error.message}`, undefined);
    }
  }

  /** JSON with `${ … }` in its strings. */
  template(value: Json, pointer: string, place: Place, { wanted, ...rules }: TemplateRules = {}): Template {
    const options = { ...rootsAt(place), ...rules };
    const compiled = compileTemplate(value, options);
    if (!compiled.ok) {
      for (const error of compiled.error) this.#refuse(pointer + error.pointer, error.message, error.offset);
      return NOTHING;
    }
    warnOfTemplate(value, pointer, this.#errors);
    const { isConstant, references } = compiled.value;
    if (typeof value === 'string' && !isConstant)
      this.#keep(value, { pointer, place, references, ...(wanted === undefined ? {} : { wanted }) });
    else if (!isConstant) this.#keepUses(value, pointer, place, '', options);
    return compiled.value;
  }

  /** One use for each string, so that an error names the place of the string in the document. */
  #keepUses(value: Json, pointer: string, place: Place, inside: string, options: CompileOptions): void {
    if (typeof value === 'string') {
      const { secrets } = options;
      const here =
        secrets === undefined
          ? options
          : { ...options, secrets: (...[, parts, index]: Parameters<typeof secrets>) => secrets(inside, parts, index) };
      const compiled = compileTemplate(value, here);
      if (compiled.ok && !compiled.value.isConstant) this.#keep(value, { pointer, place, references: compiled.value.references });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value as object))
        this.#keepUses(member as Json, pointerTo(pointer, key), place, pointerTo(inside, key), options);
    }
  }

  #keep(text: string, use: ExpressionUse): void {
    this.uses.push({ ...use, text });
    this.referencesIn.set(text, use.references);
  }

  #refuse(pointer: string, message: string, offset: number | undefined): void {
    const where = offset === undefined ? '' : ` (at character ${offset + 1})`;
    this.#errors.add(pointer, 'MR_DEF_EXPRESSION', `The expression cannot be used: ${message.replace(/\.$/, '')}${where}.`);
  }

  duration(value: Json, pointer: string, place: Place, minMs = 1): DurationSetting {
    const constant = this.#timeText(value, pointer, place, 'MR_DEF_DURATION', DURATION_HELP);
    if (constant === null) return ONE_MS;
    if (typeof constant !== 'string') return { kind: 'template', template: constant };
    const ms = parseDuration(constant);
    if (ms === undefined || ms < minMs) {
      this.#errors.add(pointer, 'MR_DEF_DURATION', ms === undefined ? DURATION_HELP : 'A duration must be longer than zero here.');
      return ONE_MS;
    }
    return { kind: 'constant', ms };
  }

  instant(value: Json, pointer: string, place: Place): InstantSetting {
    const constant = this.#timeText(value, pointer, place, 'MR_DEF_INSTANT', INSTANT_HELP);
    if (constant === null) return { kind: 'constant', at: 0 };
    if (typeof constant !== 'string') return { kind: 'template', template: constant };
    const at = parseInstant(constant);
    if (at === undefined) this.#errors.add(pointer, 'MR_DEF_INSTANT', INSTANT_HELP);
    return { kind: 'constant', at: at ?? 0 };
  }

  /** The string, or the template that gives one; null when an error was noted. */
  #timeText(
    value: Json,
    pointer: string,
    place: Place,
    code: 'MR_DEF_DURATION' | 'MR_DEF_INSTANT',
    help: string,
  ): string | Template | null {
    if (typeof value !== 'string') {
      this.#errors.add(pointer, code, help);
      return null;
    }
    const before = this.#errors.all.length;
    const what = code === 'MR_DEF_DURATION' ? 'A duration' : 'A time';
    const template = this.template(value, pointer, place, { wanted: { type: 'string', what } });
    if (this.#errors.all.length > before) return null;
    if (!template.isConstant) return template;
    const text = template.evaluate({});
    return typeof text === 'string' ? text : value;
  }

  schema(value: Json, pointer: string): Schema | null {
    const compiled = compiledInParts(
      value,
      () => SCHEMA_COST + declaredCost(value),
      () => compileDeclared(value, this.#schemaLimits),
    );
    if (compiled.ok) return compiled.value;
    for (const error of compiled.error) this.#errors.add(pointer + error.pointer, 'MR_DEF_SCHEMA', error.message);
    return null;
  }
}

/**
 * The names that an expression at that place may begin with. Names of items are among them in the bodies of their loops, and `results` in
 * the `until` of a forEach alone.
 */
export function rootsAt(place: Place): CompileOptions {
  if (place.kind === 'trigger') return place.of === 'schedule' ? { roots: [...ROOTS, 'schedule'] } : {};
  if (place.kind === 'start') return {};
  const around = place.scope.itemNames;
  const names = [
    ...around,
    ...(place.kind === 'items' ? namesOfItems(place) : []),
    ...(place.kind === 'compensating' ? [COMPENSATED] : []),
  ];
  return names.length === 0 ? {} : { roots: [...ROOTS, ...names] };
}

/** What the `until` of a forEach sees beside `item` and `index`. */
export function namesOfItems({ as }: Place & { readonly kind: 'items' }): readonly string[] {
  return as === null ? ['results'] : ['results', as];
}

const DURATION_HELP =
  'A duration must be a string such as "30s", "5m", "2d" or ISO 8601 ("PT5M"; a day is 24 h, months and years have no fixed length).';
const INSTANT_HELP = 'A time must be a string with an offset, such as "2026-01-31T09:00:00Z" or "2026-01-31T09:00:00+01:00".';
