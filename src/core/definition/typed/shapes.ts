/**
 * What a deploy knows of every value of a definition: of the input, of what nodes get and give, of items, rounds, events and children.
 * It follows what is declared, and templates as far as they are written out.
 */
import { compileTemplate, type Reference, staticResultOf } from '../../expression/index.ts';
import { splitPlaceholders } from '../../expression/placeholders.ts';
import type { NodeId } from '../../ids.ts';
import { itemChild } from '../../instance/state/scopes.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { pointerTo, valueAt } from '../../json-pointer.ts';
import { own } from '../../record.ts';
import { COMPENSATED, type Place, rootsAt } from '../expressions.ts';
import type { GraphScope } from '../graph-scope.ts';
import { findNode } from '../references.ts';
import type { Node } from '../types.ts';
import type { Known, KnownChildren } from './known.ts';
import { ANSWER, DETACHED, ERROR, EVENT, INSTANCE, KEYED, ofAnswer, SCHEDULE } from './language-shapes.ts';
import { holdsSensitive, type Mark, type Marks, markAt, markedItems, SENSITIVE } from './marks.ts';
import {
  ANY,
  INTEGER,
  type LookedUp,
  lookUp,
  NULL,
  nullable,
  ofMembers,
  ofSchema,
  ofType,
  type Path,
  type Shape,
  STRING,
} from './shape.ts';

const MARKED: Mark = { kind: 'all', isExact: true };
const UNMARKED: Mark = { kind: 'none', isExact: true };
/** Of templates that lead to templates; a longer chain is not followed. */
const DEPTH_MAX = 40;

type Site = { readonly scope: GraphScope; readonly node: Node };

export class Shapes implements Marks {
  readonly input: Shape;
  readonly #document: Json;
  readonly #sites = new Map<NodeId, Site>();
  readonly #bodies = new Map<NodeId, GraphScope>();
  readonly #children: KnownChildren;
  readonly #memo = new Map<string, Shape>();
  readonly #fields = new Map<string, Shape>();
  readonly #written = new Map<NodeId, JsonObject>();
  readonly #references: ReadonlyMap<string, readonly Reference[]>;
  /** Variables that may hold what is marked; null: the definition marks nothing. */
  readonly #marked: ReadonlySet<string> | null;
  readonly #top: GraphScope | undefined;
  #variables: ReadonlySet<string> | undefined;
  #depth = 0;

  constructor({ document, graphs, input, children, references }: Known, marked: ReadonlySet<string> | null) {
    this.#document = document;
    this.#children = children;
    this.#references = references;
    this.#marked = marked;
    this.#top = graphs.find(({ scope }) => scope.loop === null)?.scope;
    this.input = ofSchema(input);
    for (const { scope, nodes } of graphs) {
      if (scope.loop !== null) this.#bodies.set(scope.loop.nodeId, scope);
      for (const [id, node] of nodes) {
        if (node === null) continue;
        this.#sites.set(id, { scope, node });
        if (node.compensation !== null) this.#sites.set(node.compensation.node.id, { scope, node: node.compensation.node });
      }
    }
  }

  /** What an instance gives. */
  get output(): Shape {
    const top = this.#top;
    return top === undefined ? ANY : this.#bodyOutput(top);
  }

  /** What a node gets: of `task`, `workflow` and `http`; of others nothing is known. */
  nodeInput(id: NodeId): Shape {
    return this.#once(`input ${id}`, () => {
      const node = this.#sites.get(id)?.node;
      if (node?.type === 'task' && node.inputSchema !== null)
        return this.#marksOf(ofSchema(node.inputSchema.document), this.field(id, 'input'));
      if (node?.type === 'task') return this.field(id, 'input', {});
      if (node?.type === 'workflow') {
        const taken = ofSchema(this.#children(node)?.input?.document);
        const given = this.field(id, 'input', {});
        return holdsSensitive(taken) ? { kind: 'filled', of: given, filledBy: taken } : given;
      }
      if (node === undefined) return this.#unknown;
      if (node.type !== 'http') return ANY;
      // Of a request nothing is known but what is marked.
      return this.#marksOf(ANY, this.#request(id));
    });
  }

  /** As it is sent: `query` has become part of the url, and `form` the body. */
  #request(id: NodeId): Shape {
    const [method, headers, url, body] = ['method', 'headers', 'url', 'body'].map((field) => this.field(id, field));
    const holds = (field: string): boolean => holdsSensitive(this.field(id, field));
    return ofMembers({
      ...{ method: method ?? ANY, headers: headers ?? ANY, parse: ANY, numbers: ANY },
      url: holds('query') ? SENSITIVE : (url ?? ANY),
      body: holds('form') ? SENSITIVE : (body ?? ANY),
    });
  }

  /** What the template in a field of a node gives, evaluated as the node opens; `set` as it ends. */
  field(id: NodeId, field: string, absent: Json = null): Shape {
    const key = `${field} ${id} ${absent === null}`;
    let shape = this.#fields.get(key);
    if (shape === undefined) {
      shape = this.#fieldAnew(id, field, absent);
      this.#fields.set(key, shape);
    }
    return shape;
  }

  #fieldAnew(id: NodeId, field: string, absent: Json): Shape {
    const site = this.#sites.get(id);
    if (site === undefined) return this.#unknown;
    const undone = id.endsWith('.compensation') ? (id.slice(0, id.lastIndexOf('.')) as NodeId) : null;
    const kind = undone !== null ? 'compensating' : field === 'set' ? 'leaving' : 'opening';
    const written = this.#writtenOf(site, undone ?? id);
    const node = undone === null ? written : own(written, 'compensation');
    const value = isJsonObject(node) ? own(node, field) : undefined;
    return this.ofTemplate(value ?? absent, { kind, scope: site.scope, nodeId: undone ?? id });
  }

  /** The node as it stands in the document. */
  #writtenOf({ scope }: Site, id: NodeId): JsonObject {
    let written = this.#written.get(id);
    if (written === undefined) {
      const found = valueAt(this.#document, scope.nodePointer(id));
      written = isJsonObject(found) ? found : {};
      this.#written.set(id, written);
    }
    return written;
  }

  /** Finds out all that views ask for. */
  settle(): void {
    for (const [id, { node }] of this.#sites) {
      holdsSensitive(this.nodeInput(id));
      holdsSensitive(this.nodeOutput(id));
      if (node.type === 'human') this.field(id, 'title');
      if (node.type === 'publish') for (const field of ['key', 'data']) this.field(id, field, field === 'data' ? {} : null);
      if (node.type === 'forEach') holdsSensitive(this.items(id));
      if (node.type === 'forEach' || node.type === 'repeat') holdsSensitive(this.roundOutput(id));
    }
    holdsSensitive(this.input);
    holdsSensitive(this.output);
    this.isMarkedVariable('');
  }

  /** Whether a variable may hold what is marked; one that another version knows may. */
  isMarkedVariable(name: string): boolean {
    if (this.#marked === null) return false;
    this.#variables ??= namesOf(this.variables());
    return this.#marked.has(name) || !this.#variables.has(name);
  }

  /** What `vars` and each `set` gives. */
  variables(): readonly Shape[] {
    const first = isJsonObject(this.#document) ? this.#document.vars : undefined;
    return [this.ofTemplate(first ?? {}, { kind: 'start' }), ...[...this.#sites.keys()].map((id) => this.field(id, 'set', {}))];
  }

  /** The items of a forEach, and what an item or round of a loop gives. */
  items(loopId: NodeId): Shape {
    return { kind: 'list', items: this.#item(loopId) };
  }

  roundOutput(loopId: NodeId): Shape {
    return this.#roundOutput(loopId);
  }

  /** Whether anything that is declared is marked, here or by a child. */
  get marksSomething(): boolean {
    if (this.#marked === null) return false;
    if ([...this.#sites.values()].some(({ node }) => isMarkedChild(node, this.#children))) return true;
    const declared = [...this.#sites.values()].flatMap(({ node }) => {
      if (node.type === 'human') return [node.form];
      if (node.type === 'task') return [node.inputSchema, node.outputSchema];
      return node.type === 'http' || node.type === 'transform' ? [node.outputSchema] : [];
    });
    return [this.input, ...declared.map((schema) => ofSchema(schema?.document))].some(holdsSensitive);
  }

  nodeOutput(id: NodeId): Shape {
    return this.#once(`output ${id}`, () => {
      const site = this.#sites.get(id);
      return site === undefined ? this.#unknown : this.#outputOf(site);
    });
  }

  /** What a template gives, evaluated at that place. */
  ofTemplate(value: Json, place: Place): Shape {
    if (Array.isArray(value)) return { kind: 'tuple', items: value.map((item: Json) => this.ofTemplate(item, place)) };
    if (isJsonObject(value))
      return { kind: 'object', members: new Map(Object.entries(value).map(([key, member]) => [key, this.ofTemplate(member, place)])) };
    if (value === null) return NULL;
    if (typeof value !== 'string') return ofType(typeof value === 'boolean' ? 'boolean' : Number.isInteger(value) ? 'integer' : 'number');
    const split = splitPlaceholders(value);
    const [only] = split.ok ? split.parts : [];
    if (!split.ok || split.parts.length !== 1 || only?.kind !== 'expression') return this.#made(STRING, value, place);
    const result = staticResultOf(only.source);
    if (result.kind === 'type') return this.#made(ofType(result.type), value, place);
    if (result.kind === 'unknown') return this.#made(ANY, value, place);
    if (result.root === 'secrets') return STRING;
    const looked = this.find(result.root, result.path, place)?.looked;
    const shape = looked?.kind === 'shape' ? looked.shape : ANY;
    const mark = this.#markOf(result.root, result.path, place);
    if (mark.kind === 'none' || (mark.kind === 'part' && mark.isExact && holdsSensitive(shape))) return shape;
    return { kind: 'sensitive', of: shape };
  }

  /** What is made of a marked value is marked as a whole. */
  #made(shape: Shape, template: string, place: Place): Shape {
    if (this.#marked === null) return shape;
    const isClean = this.#referencesIn(template, place)?.every(({ root, path }) => this.#markOf(root, path, place).kind === 'none');
    return isClean === true ? shape : { kind: 'sensitive', of: shape };
  }

  /** undefined: it cannot be compiled, which is refused elsewhere. */
  #referencesIn(template: string, place: Place): readonly Reference[] | undefined {
    const known = this.#references.get(template);
    if (known !== undefined) return known;
    const compiled = compileTemplate(template, { ...rootsAt(place), secrets: () => 'none' });
    return compiled.ok ? compiled.value.references : undefined;
  }

  /** What is marked of what an expression reads. */
  #markOf(root: string, path: Path, place: Place): Mark {
    if (this.#marked === null) return UNMARKED;
    const [node, member, ...rest] = path;
    if (root === 'vars') return node === undefined || this.#marked.has(String(node)) ? MARKED : UNMARKED;
    if (root !== 'nodes') return markAt(this.#root(root, place), path);
    if (place.kind === 'trigger' || place.kind === 'start') return UNMARKED;
    const id = typeof node === 'string' ? findNode(node, place.scope)?.id : undefined;
    // Which node is meant, or which member of it, is not known before the expression runs.
    if (id === undefined || typeof member !== 'string') return MARKED;
    if (member === 'error') return MARKED;
    return markAt(this.#memberOfNode(id, member), rest);
  }

  /** A declared shape, marked where the template that fills it is. */
  #marksOf(declared: Shape, made: Shape): Shape {
    return holdsSensitive(made) ? { kind: 'filled', of: declared, filledBy: made } : declared;
  }

  /** What an expression at that place reads; null when nothing is known of it. `name` is that of the value in which it was looked up. */
  find(root: string, path: Path, place: Place): { readonly name: string; readonly looked: LookedUp } | null {
    const [node, member, ...rest] = path;
    if (root === 'nodes' && typeof node === 'string' && typeof member === 'string') {
      if (place.kind === 'trigger' || place.kind === 'start') return null;
      const id = findNode(node, place.scope)?.id;
      const shape = id === undefined ? ANY : this.#memberOfNode(id, member);
      return { name: `nodes.${node}.${member}`, looked: lookUp(shape, rest) };
    }
    const shape = this.#root(root, place);
    return shape === ANY ? null : { name: root, looked: lookUp(shape, path) };
  }

  #memberOfNode(id: NodeId, member: string): Shape {
    if (member === 'output') return this.nodeOutput(id);
    if (member === 'error') return ERROR;
    if (member === 'attempt') return nullable(INTEGER);
    return member === 'status' || member === 'completedBy' ? nullable(STRING) : ANY;
  }

  #root(root: string, place: Place): Shape {
    if (root === 'now') return STRING;
    if (place.kind === 'trigger') return root === 'event' && place.of === 'event' ? EVENT : root === 'schedule' ? SCHEDULE : ANY;
    if (root === 'input') return this.input;
    if (root === 'instance') return INSTANCE;
    if (place.kind === 'start') return ANY;
    if (root === 'event') return place.kind === 'where' ? EVENT : ANY;
    if (root === 'index') return INTEGER;
    if (root === COMPENSATED && place.kind === 'compensating')
      return ofMembers({ input: this.nodeInput(place.nodeId), output: this.nodeOutput(place.nodeId) });
    if (place.kind === 'items') {
      if (root === 'results') return { kind: 'list', items: nullable(this.#roundOutput(place.nodeId)) };
      if (root === 'item' || root === place.as) return this.#item(place.nodeId);
    }
    if (root === 'last' && place.kind === 'round') return nullable(this.#roundOutput(place.nodeId));
    const loop = place.scope.loops.find(({ type, as }) =>
      root === 'last' ? type === 'repeat' : root === 'item' ? type === 'forEach' : as === root,
    );
    if (loop === undefined) return ANY;
    return root === 'last' ? nullable(this.#roundOutput(loop.nodeId)) : this.#item(loop.nodeId);
  }

  #item(loopId: NodeId): Shape {
    return this.#once(`item ${loopId}`, () => {
      const site = this.#sites.get(loopId);
      // While its own body is read, the loop is not known yet.
      if (site === undefined) return this.#unknown;
      const items = valueAt(this.#document, `${site.scope.nodePointer(loopId)}/items`) ?? [];
      return markedItems(this.ofTemplate(items, { kind: 'opening', scope: site.scope, nodeId: loopId }));
    });
  }

  #roundOutput(loopId: NodeId): Shape {
    const scope = this.#bodies.get(loopId);
    return scope === undefined ? this.#unknown : this.#bodyOutput(scope);
  }

  #bodyOutput(scope: GraphScope): Shape {
    return this.#once(`body ${scope.pointer}`, () => {
      if (scope.loop?.isChild === true) return this.nodeOutput(`${scope.loop.nodeId}/${itemChild}` as NodeId);
      const output = valueAt(this.#document, pointerTo(scope.pointer, 'output'));
      return output === undefined ? NULL : this.ofTemplate(output, { kind: 'end', scope });
    });
  }

  #outputOf({ node }: Site): Shape {
    switch (node.type) {
      case 'task':
        return ofSchema(node.outputSchema?.document);
      case 'http':
        return node.outputSchema === null ? ANSWER : ofSchema(node.outputSchema.document);
      case 'transform': {
        const made = this.field(node.id, 'output');
        return node.outputSchema === null ? made : this.#marksOf(ofSchema(node.outputSchema.document), made);
      }
      case 'human':
        return ofAnswer(node);
      case 'event':
        return node.list ? { kind: 'list', items: this.#eventOf(node.id) } : this.#eventOf(node.id);
      case 'wait':
      case 'publish':
        return NULL;
      case 'workflow':
        return node.detached ? DETACHED : (this.#children(node)?.output ?? ANY);
      case 'forEach':
        return { kind: 'list', items: nullable(this.#roundOutput(node.id)) };
      default:
        return nullable(this.#roundOutput(node.id));
    }
  }

  /** The data comes from outside. The key is the one that the node waits for. */
  #eventOf(id: NodeId): Shape {
    if (this.#marked === null) return EVENT;
    const isMarked = holdsSensitive(this.field(id, 'key')) || holdsSensitive(this.field(id, 'anyOf'));
    return isMarked ? { kind: 'filled', of: EVENT, filledBy: KEYED } : EVENT;
  }

  /** Where nothing can be followed (a node of another version among it), it may be marked. */
  get #unknown(): Shape {
    return this.#marked === null ? ANY : SENSITIVE;
  }

  /** A shape that leads back to itself is not known where it does. */
  #once(key: string, make: () => Shape): Shape {
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    if (this.#depth >= DEPTH_MAX) return this.#unknown;
    this.#memo.set(key, this.#unknown);
    this.#depth++;
    try {
      const made = make();
      this.#memo.set(key, made);
      return made;
    } finally {
      this.#depth--;
    }
  }
}

/** Whether the node, or what undoes it, runs a child that marks something. */
export function isMarkedChild(node: Node, children: KnownChildren): boolean {
  const undoing = node.compensation?.node;
  const isMarked = node.type === 'workflow' && children(node)?.isMarked === true;
  return isMarked || (undoing !== undefined && isMarkedChild(undoing, children));
}

export function namesOf(shapes: readonly Shape[], isNamed: (shape: Shape) => boolean = () => true): ReadonlySet<string> {
  return new Set(
    shapes.flatMap((shape) =>
      shape.kind === 'object' ? [...shape.members].flatMap(([name, value]) => (isNamed(value) ? [name] : [])) : [],
    ),
  );
}
