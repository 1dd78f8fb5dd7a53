/**
 * A parsed, compiled workflow definition: what `parseDefinition` makes of a deployed JSON document.
 * Everything that can be wrong about a document was refused before a value of these types exists.
 */
import type { Expression, Reference, Template } from '../expression/index.ts';
import type { DefinitionId, EdgeId, NodeId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { CompiledSchema } from '../schema/index.ts';
import type { ReadonlyNodeSet } from './node-set.ts';
import type { Trigger } from './triggers/types.ts';
import type { Marks } from './typed/marks.ts';

/** Words for people. */
export type Info = {
  readonly title: string | null;
  readonly description: string | null;
  readonly labels: { readonly [name: string]: string };
};

export type Definition = Info & {
  readonly id: DefinitionId;
  /** Immutable, counted from 1. */
  readonly version: number;
  /** The document as it was deployed. */
  readonly document: Json;
  readonly input: Schema | null;
  /** The graph of the document's top. Loops hold graphs of their own. */
  readonly root: Graph;
  /** The nodes of all graphs and their compensations, by their qualified ids. */
  readonly nodes: ReadonlyMap<NodeId, Node>;
  /** First values of `vars`: evaluated at the start with `input` and `instance` in scope. */
  readonly vars: Template;
  readonly timeout: DurationSetting | null;
  /** The time at which the instance times out; with `timeout` too, whichever comes first. */
  readonly deadline: InstantSetting | null;
  /** `compensate`: before the instance fails, the compensations of completed nodes undo their work. */
  readonly onFailure: 'fail' | 'incident' | 'compensate';
  /** In the order of the document. */
  readonly triggers: readonly Trigger[];
  /** Workers may go on by themselves with the next task, if the deployment lets them (`"continuation": true`). */
  readonly continuation: boolean;
  readonly lifecycle: Lifecycle;
  /** What views must mask, where a schema marks something as sensitive; null: nothing is marked. */
  readonly marks: Marks | null;
  /** What is not an error, but should be looked at. */
  readonly warnings: readonly DefinitionError[];
};

/** Which lifecycle records an instance writes: of its end, incidents and the like; `starts`: also of its start; `tasks`: of each step of a task too. */
export type Lifecycle = 'instance' | 'starts' | 'tasks';

/** Nodes and the edges between them: a whole definition, or the body of a loop. */
export type Graph = {
  /** In the order of the document. */
  readonly nodes: ReadonlyMap<NodeId, Node>;
  /** In the order of the document. */
  readonly edges: readonly Edge[];
  readonly outgoing: ReadonlyMap<NodeId, readonly Edge[]>;
  readonly incoming: ReadonlyMap<NodeId, readonly Edge[]>;
  /** Nodes without incoming edges. */
  readonly startNodes: readonly NodeId[];
  /** For each node, all nodes from which it can be reached, in the order of the document (used by `cancelRest`). */
  readonly ancestors: ReadonlyMap<NodeId, ReadonlyNodeSet>;
  readonly output: Template | null;
};

export type Schema = { readonly document: Json; readonly compiled: CompiledSchema };

/** A duration in ms known at deploy, or a template that gives a duration string at run time. */
export type DurationSetting =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'template'; readonly template: Template };

/** An instant known at deploy, or a template that gives an RFC 3339 string with offset. */
export type InstantSetting =
  | { readonly kind: 'constant'; readonly at: number }
  | { readonly kind: 'template'; readonly template: Template };

export type Join = { readonly kind: 'all' } | { readonly kind: 'any' } | { readonly kind: 'atLeast'; readonly n: number };

/** `backoff`: fixed = initial; linear = initial × n; exponential = initial × 2^(n−1); each capped at `maxMs`, then spread as `jitter` says. */
export type RetryPolicy = {
  /** Counts the first attempt: 1 means no retry. */
  readonly maxAttempts: number;
  readonly backoff: 'fixed' | 'linear' | 'exponential';
  readonly initialMs: number;
  readonly maxMs: number;
  /** `spread`: ± 25 %, by task and attempt. `none`: the delay exactly. */
  readonly jitter: 'spread' | 'none';
  /** Error codes that are tried again even if the worker says that another attempt would fail too. */
  readonly on: readonly string[];
  /** Error codes that are never tried again; they win over everything else. */
  readonly nonRetryable: readonly string[];
};

type NodeCommon = {
  /** Qualified by the loops around it: `order/ship` for `ship` in the body of `order`. */
  readonly id: NodeId;
  /** Its own name within its graph, which expressions and paths use: `ship`. */
  readonly name: string;
  readonly info: Info;
  readonly join: Join;
  readonly cancelRest: boolean;
  /** Names and values that are put into `vars` when the node completes. */
  readonly set: ReadonlyMap<string, Template>;
  /** The node that undoes this one after it completed. */
  readonly compensation: Compensation | null;
};

/** One node of its own, with the id `<node>.compensation`, in no graph. */
export type Compensation = {
  readonly node: TaskNode | HttpNode | PublishNode | WorkflowNode;
  /** Of all its expressions together. */
  readonly references: readonly Reference[];
};

type AutomatedCommon = NodeCommon & {
  readonly timeout: DurationSetting;
  readonly queueTimeout: DurationSetting | null;
  readonly retry: RetryPolicy;
};

export type TaskNode = AutomatedCommon & {
  readonly type: 'task';
  /** Name of the handler. */
  readonly task: string;
  readonly queue: string;
  readonly input: Template;
  /** What the input must fit; null: anything does. */
  readonly inputSchema: Schema | null;
  readonly outputSchema: Schema | null;
};

export type HttpNode = AutomatedCommon & {
  readonly type: 'http';
  /** Evaluates to `{ method, url, query, headers, body, form, parse, numbers }`, each but the first two if it was given. */
  readonly request: Template;
  /** Whether its url has expressions in it and is not one expression alone. */
  readonly isUrlComposed: boolean;
  /** Of the whole output: `{ status, headers, body }`. */
  readonly outputSchema: Schema | null;
};

export type TransformNode = NodeCommon & { readonly type: 'transform'; readonly output: Template; readonly outputSchema: Schema | null };

export type HumanNode = NodeCommon & {
  readonly type: 'human';
  readonly title: Template;
  /** Evaluates to `{ users: string[], roles: string[] }`. */
  readonly assignees: Template;
  readonly form: Schema | null;
  /** The names that a person chooses one of; null: there is no choice. */
  readonly outcomes: readonly string[] | null;
  /** null: the first person who completes the task decides. */
  readonly approvals: ApprovalSetting | null;
  readonly due: DurationSetting | null;
  /** By rising time. A deploy checks the order of constants. */
  readonly reminders: readonly DurationSetting[];
  readonly escalations: readonly Escalation[];
  readonly timeout: DurationSetting | null;
};

export type Escalation = { readonly after: DurationSetting; readonly to: Template };

export type ApprovalSetting = {
  /** Votes of different people that the task needs: all of them, or for one outcome. */
  readonly atLeast: number;
  /** Nobody else is asked after this many votes; null: no such limit. */
  readonly of: number | null;
  /** Evaluates to the people who may not decide: an array of strings, a string, or null. */
  readonly notBy: Template | null;
};

export type WaitNode = NodeCommon & {
  readonly type: 'wait';
  readonly wait:
    | { readonly kind: 'for'; readonly duration: DurationSetting }
    | { readonly kind: 'until'; readonly instant: InstantSetting };
};

export type EventNode = NodeCommon & {
  readonly type: 'event';
  /** One for `event`, several for `anyOf`. */
  readonly waits: readonly EventWait[];
  /** How many events complete the node; `list` tells whether the output is an array (`count` was given) or the one event. */
  readonly count: number;
  readonly list: boolean;
  readonly timeout: DurationSetting | null;
  /** `take`: at its timeout the node completes with the events that have come. */
  readonly onTimeout: 'fail' | 'take';
};

export type EventWait = { readonly event: string; readonly key: Template; readonly where: Expression | null };

export type PublishNode = NodeCommon & {
  readonly type: 'publish';
  readonly event: string;
  readonly key: Template;
  readonly data: Template;
  /** null: `<prefix>.events`. */
  readonly topic: string | null;
};

/** Asks for a child: an instance of a definition, which runs by itself. */
export type WorkflowNode = NodeCommon & {
  readonly type: 'workflow';
  readonly definition: DefinitionId;
  /** null: the latest, as it is when the child starts. */
  readonly version: number | null;
  readonly input: Template;
  /** The node completes as soon as the child is asked for. */
  readonly detached: boolean;
  readonly timeout: DurationSetting | null;
};

/** Runs its body for each item of an array. */
export type ForEachNode = NodeCommon & {
  readonly type: 'forEach';
  /** Evaluates to the array. */
  readonly items: Template;
  /** A name for the item in the body's expressions, beside `item`. */
  readonly as: string | null;
  /** How many items run at a time; null: all. */
  readonly concurrency: number | null;
  /**
   * How many items may fail before the node fails; null: an item's failure is an incident at the task that failed, or fails the
   * instance, as `onFailure` of the definition says.
   */
  readonly failuresMax: number | null;
  /** Evaluated after each item that completes; ends the loop early. */
  readonly until: Expression | null;
  /** How many items complete the node; null: all of them. */
  readonly atLeast: number | null;
  readonly timeout: DurationSetting | null;
  /** With `workflow` in the place of a body, this is a graph of that one node. */
  readonly body: Graph;
  /** Whether each item is a child: `concurrency` then counts children until their end is heard. */
  readonly hasChildren: boolean;
};

/** Runs its body again and again. */
export type RepeatNode = NodeCommon & {
  readonly type: 'repeat';
  readonly body: Graph;
  /** `until` is evaluated after a round, `while` before one. */
  readonly condition: { readonly kind: 'until' | 'while'; readonly holds: Expression };
  /** The largest number of rounds; if another would be needed, the node fails. */
  readonly max: number;
  /** Between the end of a round and the next one. */
  readonly delay: DurationSetting | null;
  readonly timeout: DurationSetting | null;
};

export type LoopNode = ForEachNode | RepeatNode;

export type Node =
  | TaskNode
  | HttpNode
  | TransformNode
  | HumanNode
  | WaitNode
  | EventNode
  | PublishNode
  | WorkflowNode
  | ForEachNode
  | RepeatNode;
export type NodeType = Node['type'];

export type Edge = {
  readonly id: EdgeId;
  /** Its place in the document's array, for pointers of errors only. */
  readonly index: number;
  readonly from: NodeId;
  /** null: `"otherwise": true, "to": null`, "else nothing". */
  readonly to: NodeId | null;
  /** When it is taken. */
  readonly rule:
    | {
        readonly on: 'completed';
        readonly condition:
          | { readonly kind: 'always' }
          | { readonly kind: 'otherwise' }
          | { readonly kind: 'when'; readonly when: Expression };
      }
    | { readonly on: 'failed' | 'timedOut' | 'any'; readonly error: string | null; readonly when: Expression | null };
};

/** One thing wrong with a definition document. */
export type DefinitionError = {
  /** JSON pointer into the document. */
  readonly pointer: string;
  /** `MR_DEF_…`, a row of docs/errors.md. */
  readonly code: string;
  /** A plain sentence: what is wrong and what to do. */
  readonly message: string;
};
