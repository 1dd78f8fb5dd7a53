/** Reads a whole document: its top-level fields, its nodes and edges. Then it checks what only all of them together show. */
import { Compilation, compiledInParts } from '../compilation.ts';
import { type DefinitionId, parseDefinitionId } from '../ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { readVariables } from '../nodes/common/node-context.ts';
import { checkCompensations } from '../nodes/compensation.ts';
import { checkVoters } from '../nodes/human/voters.ts';
import { own } from '../record.ts';
import { err, ok, type Result } from '../result.ts';
import { DefinitionErrors, shown } from './errors.ts';
import { Expressions } from './expressions.ts';
import { checkGraph } from './graph.ts';
import { GraphScope } from './graph-scope.ts';
import { readInfo } from './info.ts';
import { checkCount, checkGraphSizes, checkSize, type DefinitionLimits, defaultDefinitionLimits, graphsIn } from './limits.ts';
import { ObjectReader } from './object-reader.ts';
import { type Parsing, readGraph } from './read-graph.ts';
import { checkRecursion } from './recursion.ts';
import { checkReferences } from './references.ts';
import { checkStrings } from './strings.ts';
import { readTriggers } from './triggers/read.ts';
import { checkOperations } from './typed/check-operations.ts';
import { checkTypes } from './typed/check-types.ts';
import { checkValues } from './typed/check-values.ts';
import { checkChildInputs } from './typed/child-inputs.ts';
import type { KnownChild, KnownChildren } from './typed/known.ts';
import { SENSITIVE } from './typed/marks.ts';
import { mayHoldMarks } from './typed/marks-in-schemas.ts';
import { ANY, type Shape } from './typed/shape.ts';
import type { Shapes } from './typed/shapes.ts';
import { shapesOf } from './typed/shapes-of.ts';
import { warnOfShown } from './typed/shown.ts';
import { checkTriggerInputs } from './typed/trigger-inputs.ts';
import type { Definition, DefinitionError } from './types.ts';

export type ParseOptions = {
  /** The version that the document is, or would become; counted from 1. */
  readonly version: number;
  /** Default `defaultDefinitionLimits`. */
  readonly limits?: DefinitionLimits;
  /** Whether expressions must fit what is known of their values; default true. What is deployed was checked by the rules of its time. */
  readonly checksTypes?: boolean;
  /** What is known of the definitions of its children; default: nothing. A child of the definition itself is known without it. */
  readonly children?: KnownChildren;
};

/** A definition, and what is known of its values. */
export type TypedDefinition = { readonly definition: Definition; readonly shapes: Shapes; readonly output: Shape };

/**
 * `parseDefinition` in parts, for whoever must not be held up for long: another part at each call, and null until the last.
 */
export function createParsing(document: Json, options: ParseOptions): () => ReturnType<typeof parseDefinition> | null {
  return inParts(() => parseDefinition(document, options));
}

/** `parseTyped` in parts. */
export function createTypedParsing(document: Json, options: ParseOptions): () => ReturnType<typeof parseTyped> | null {
  return inParts(() => parseTyped(document, options));
}

function inParts<T>(parse: () => T): () => T | null {
  const compilation = new Compilation();
  return () => compilation.go(parse)?.done ?? null;
}

/**
 * Checks a definition and compiles everything in it. Never throws, whatever the document is.
 * @returns all errors, roughly in the order of the document.
 */
export function parseDefinition(document: Json, options: ParseOptions): Result<Definition, readonly DefinitionError[]> {
  const typed = parseTyped(document, options);
  return typed.ok ? ok(typed.value.definition) : typed;
}

/** The same, and what is known of the types of its values. */
export function parseTyped(document: Json, options: ParseOptions): Result<TypedDefinition, readonly DefinitionError[]> {
  const limits = options.limits ?? defaultDefinitionLimits;
  const errors = new DefinitionErrors();
  if (!isJsonObject(document)) {
    errors.add('', 'MR_DEF_SHAPE', 'A definition must be a JSON object with "id" and "nodes".');
    return err(errors.all);
  }
  if (!checkSize(document, limits, errors)) return err(errors.all);
  const top = new ObjectReader(document, '', errors);
  const expressions = new Expressions(errors, limits.schema);
  const id = readId(top);
  const input = top.raw('input');
  const head = {
    version: options.version,
    ...readInfo(top),
    document,
    input: input === undefined ? null : expressions.schema(input, '/input'),
    lifecycle: top.oneOf('lifecycle', ['instance', 'starts', 'tasks']) ?? 'instance',
    continuation: top.boolean('continuation') ?? false,
    onFailure: readOnFailure(top),
    vars: readVars(top, expressions),
    timeout: readTimeout(top, expressions),
    deadline: readDeadline(top, expressions),
  } as const;
  const triggers = readTriggers(top, { expressions, limits, schema: head.input });
  checkStrings(document, '', errors);
  if (!checkGraphSizes(document, limits, errors)) return err(errors.all);
  const parsing: Parsing = { errors, expressions, limits, left: { nodes: limits.nodes, edges: limits.edges }, graphs: [] };
  const root = readGraph(top, new GraphScope('', null), parsing);
  top.end('A definition');
  checkCount(expressions.uses.length, limits.expressions, 'expressions', '', errors);
  for (const graph of parsing.graphs) {
    checkGraph(graph.scope, graph.nodes, errors);
    checkCompensations(graph.scope, graph.nodes, head.onFailure, errors);
  }
  checkReferences(expressions.uses, variableNames(document), errors);
  const children: KnownChildren = (child) =>
    child.definition === id && child.version === null
      ? { version: null, input: head.input, ...ofItself(document) }
      : (options.children?.(child) ?? null);
  const shapes = shapesOf({
    document,
    graphs: parsing.graphs,
    input: head.input?.document,
    children,
    references: expressions.referencesIn,
  });
  if (options.checksTypes !== false) {
    checkTypes(expressions.uses, shapes, errors);
    checkOperations(expressions.uses, shapes, errors);
    checkValues(expressions.uses, shapes, errors);
    checkTriggerInputs(limits.triggers, { document, shapes, schema: head.input }, errors);
    checkVoters(parsing.graphs, document, errors);
    checkChildInputs(parsing.graphs, { document, shapes, children }, errors);
  }
  if (errors.all.length > 0) return err(errors.all);
  const nodes = new Map(
    parsing.graphs
      .flatMap((graph) => [...graph.nodes.values()])
      .flatMap((node) => (node === null ? [] : [node, ...(node.compensation === null ? [] : [node.compensation.node])]))
      .map((node) => [node.id, node] as const),
  );
  checkRecursion({ id, root, nodes }, errors);
  if (errors.all.length > 0) return err(errors.all);
  const marks = shapes.marksSomething ? shapes : null;
  // Here, in the turns of whoever compiles it, and not in those of whoever shows an instance.
  if (marks !== null) {
    // Again in each part, so it gets one of its own.
    compiledInParts(
      'what views ask for',
      () => 0,
      () => null,
    );
    shapes.settle();
    warnOfShown(parsing.graphs, shapes, errors);
  }
  const definition = { id, ...head, triggers, root, nodes, marks, warnings: errors.warnings };
  return ok({ definition, shapes, output: shapes.output });
}

/** What it gives is not known before it is read; where it marks something, that may be marked. */
function ofItself(document: JsonObject): Pick<KnownChild, 'output' | 'isMarked'> {
  const isMarked = mayHoldMarks(document);
  return { output: isMarked ? SENSITIVE : ANY, isMarked };
}

function readId(top: ObjectReader): DefinitionId {
  top.required('id', 'the name under which the definition is deployed');
  const text = top.string('id') ?? 'none';
  const id = parseDefinitionId(text);
  if (id !== undefined) return id;
  top.errors.add('/id', 'MR_DEF_ID', `${shown(text)} cannot be an id: a letter, then letters, digits and _ . -, at most 128 characters.`);
  return 'none' as DefinitionId;
}

function readOnFailure(top: ObjectReader): Definition['onFailure'] {
  return top.oneOf('onFailure', ['incident', 'fail', 'compensate']) ?? 'incident';
}

function readVars(top: ObjectReader, expressions: Expressions): Definition['vars'] {
  const entries = readVariables(top, 'vars').map(([name, value]) => [name, value] as const);
  return expressions.template(Object.fromEntries(entries), '/vars', { kind: 'start' });
}

function readTimeout(top: ObjectReader, expressions: Expressions): Definition['timeout'] {
  const timeout = top.raw('timeout');
  return timeout === undefined ? null : expressions.duration(timeout, '/timeout', { kind: 'start' });
}

function readDeadline(top: ObjectReader, expressions: Expressions): Definition['deadline'] {
  const deadline = top.raw('deadline');
  return deadline === undefined ? null : expressions.instant(deadline, '/deadline', { kind: 'start' });
}

/** Taken from the raw document, so that the variables of a node with errors are known too. */
function variableNames(document: JsonObject): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (variables: Json | undefined): void => {
    if (isJsonObject(variables)) for (const name of Object.keys(variables)) names.add(name);
  };
  add(own(document, 'vars'));
  for (const graph of graphsIn(document)) {
    const nodes = own(graph, 'nodes');
    if (isJsonObject(nodes)) for (const node of Object.values(nodes)) if (isJsonObject(node)) add(own(node, 'set'));
  }
  return names;
}
