/** What is known of a definition when its shapes are looked for. */
import type { Reference } from '../../expression/index.ts';
import type { NodeId } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { GraphScope } from '../graph-scope.ts';
import type { Node, Schema, WorkflowNode } from '../types.ts';
import type { Shape } from './shape.ts';

export type KnownGraph = { readonly scope: GraphScope; readonly nodes: ReadonlyMap<NodeId, Node | null> };

/** What is known of the definition of a child. */
export type KnownChild = {
  /** For sentences; null when there is no need to say it. */
  readonly version: number | null;
  /** null: any. */
  readonly input: Schema | null;
  readonly output: Shape;
  /** Whether it marks anything as sensitive: what it says of its errors may quote that. */
  readonly isMarked: boolean;
};
/** null when nothing is known of it. */
export type KnownChildren = (child: Pick<WorkflowNode, 'definition' | 'version'>) => KnownChild | null;

/** What is read of a definition. */
export type Known = {
  readonly document: JsonObject;
  readonly graphs: readonly KnownGraph[];
  readonly input: Json | undefined;
  readonly children: KnownChildren;
  /** What each string with expressions in it refers to. */
  readonly references: ReadonlyMap<string, readonly Reference[]>;
};
