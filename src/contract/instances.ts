/** Instances, their history and the commands to them as REST shows them. */
import { type Static, Type } from 'typebox';
import { failureTypes } from '../core/instance/history/entry-types.ts';
import {
  Assignees,
  DefinitionRef,
  Instant,
  JsonValue,
  Nullable,
  NullableInstant,
  NullableString,
  PageOf,
  PageQuery,
  StorableString,
  strict,
  TaskError,
  UnmaskedQuery,
} from './common.ts';

export const QueuePause = Type.Object(
  { by: Type.String(), at: Instant, reason: NullableString(), message: Type.String({ description: 'The same as a sentence.' }) },
  { description: 'Who paused the queue, since when, and why. Absent: it is not paused.' },
);

export const InstanceStatus = Type.Union([
  Type.Literal('running'),
  Type.Literal('paused'),
  Type.Literal('incident'),
  Type.Literal('ending', {
    description: 'The instance fails or is cancelled: it waits for the outcomes of tasks that workers have, and then undoes its work.',
  }),
  Type.Literal('undoing', { description: 'Compensations run, one after the other.' }),
  Type.Literal('completed'),
  Type.Literal('failed'),
  Type.Literal('cancelled'),
]);

export const StartBody = Type.Object(
  {
    input: Type.Optional(JsonValue),
    businessKey: Type.Optional(StorableString(255, 'Your own name for the instance, e.g. an order number. Need not be unique.')),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: the latest.' })),
  },
  strict,
);

export const StartedInstance = Type.Object({ instanceId: Type.String(), definition: DefinitionRef });

export const WaitingFor = Type.Union(
  [
    Type.Object({
      kind: Type.Literal('worker'),
      queue: NullableString('null: the built-in http executor.'),
      paused: Type.Optional(QueuePause),
    }),
    Type.Object({ kind: Type.Literal('retry'), until: Instant, lastError: Nullable(TaskError) }),
    Type.Object({
      kind: Type.Literal('person'),
      assignees: Assignees,
      title: Type.String(),
      dueAt: NullableInstant,
      votes: Type.Optional(Type.Integer({ description: 'Votes so far, where several people decide.' })),
      atLeast: Type.Optional(Type.Integer({ description: 'Votes that the task, or one of its outcomes, needs.' })),
    }),
    Type.Object({ kind: Type.Literal('time'), until: Instant }),
    Type.Object({
      kind: Type.Literal('event'),
      events: Type.Array(Type.Object({ type: Type.String(), key: Type.String() })),
      received: Type.Integer(),
      count: Type.Integer(),
    }),
    Type.Object({
      kind: Type.Literal('child'),
      definition: Type.Object({ id: Type.String(), version: Nullable(Type.Integer({ description: 'null: the latest.' })) }),
      instanceId: NullableString('The child; null while an earlier child of the task is still ending.'),
    }),
    Type.Object({
      kind: Type.Literal('items'),
      total: Type.Integer({ description: 'Items of the forEach.' }),
      running: Type.Integer(),
      waiting: Type.Integer({ description: 'Items that have not begun.' }),
      failed: Type.Integer(),
    }),
    Type.Object({
      kind: Type.Literal('round'),
      round: Type.Integer({ description: 'Counted from 0.' }),
      running: Type.Boolean({ description: 'false: the delay before the next round is not over.' }),
    }),
    Type.Object({ kind: Type.Literal('incident'), error: TaskError, expression: NullableString('The expression that failed.') }),
  ],
  { description: 'What has to happen before the task continues.' },
);

export const OpenWork = Type.Object({
  taskId: NullableString(
    'null: the incident is of the instance itself: its output could not be evaluated, or its timeout could not be applied.',
  ),
  nodeId: NullableString(),
  status: Type.String(),
  waitingFor: WaitingFor,
  since: Instant,
  attempt: Type.Integer(),
  lastError: Nullable(TaskError),
});

export const Pending = Type.Object({
  commandId: Type.String(),
  type: Type.String(),
  taskId: NullableString(),
  by: Type.String(),
  at: Instant,
});

export const Parent = Type.Union([
  Type.Object({
    kind: Type.Literal('instance'),
    instanceId: Type.String(),
    taskId: Type.String({ description: 'Its workflow task that asked for this instance.' }),
  }),
  Type.Object({ kind: Type.Literal('schedule'), scheduleId: Type.String(), run: Type.Integer() }),
]);

export const Ending = Type.Object(
  {
    as: Type.Union([Type.Literal('failed'), Type.Literal('cancelled')]),
    error: Nullable(TaskError),
    awaited: Type.Integer({ description: 'Tasks that workers still have; their work is undone too.' }),
    left: Type.Integer({ description: 'Completed tasks whose compensations have not completed.' }),
  },
  { description: 'How the instance ends once its work is undone; null while it runs, and after its end.' },
);

export const Instance = Type.Object({
  instanceId: Type.String(),
  definition: DefinitionRef,
  businessKey: NullableString(),
  parent: Nullable(Parent),
  status: InstanceStatus,
  input: JsonValue,
  output: JsonValue,
  error: Nullable(TaskError),
  open: Type.Array(OpenWork, {
    description: 'Open work, which says why the instance waits: incidents first, then the oldest; at most 100, see `openCount`.',
  }),
  openCount: Type.Integer(),
  awaitedChildren: Type.Integer({
    description:
      'Children whose end was not heard yet, also after the instance has ended. `GET /v1/instances?parent=` lists all of its children.',
  }),
  ending: Nullable(Ending),
  pending: Type.Array(Pending, { description: 'Commands that were accepted and are not applied yet; the oldest 100.' }),
  createdAt: Instant,
  updatedAt: Instant,
});

export const InstanceSummary = Type.Object({
  instanceId: Type.String(),
  definition: DefinitionRef,
  businessKey: NullableString(),
  status: InstanceStatus,
  createdAt: Instant,
  updatedAt: Instant,
});
export const InstancePage = PageOf(InstanceSummary);

/** What a list of instances may ask for. */
const instanceFilter = {
  status: Type.Optional(InstanceStatus),
  definition: Type.Optional(StorableString(128)),
  version: Type.Optional(Type.Integer({ minimum: 1 })),
  businessKey: Type.Optional(StorableString(255)),
  parent: Type.Optional(Type.String({ pattern: '^[0-9a-f-]{36}$', description: 'Instances that this instance started.' })),
  retrying: Type.Optional(
    Type.Boolean({
      description:
        'true: instances with an attempt that failed, or was given back, after which the next one comes by itself. Paused ones are none of them.',
    }),
  ),
  incidentCode: Type.Optional(
    StorableString(100, 'Instances with an open incident whose error has this code, such as `HTTP_503`; paused ones too.'),
  ),
  startedFrom: Type.Optional(Instant),
  startedTo: Type.Optional(Instant),
};
export const InstanceFilter = Type.Object(instanceFilter, strict);
export const InstanceQuery = Type.Object({ ...PageQuery, ...instanceFilter }, strict);

/** What of a history is wanted, and in which order. */
export const HistoryQuery = Type.Object(
  {
    ...PageQuery,
    ...UnmaskedQuery,
    type: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2_000,
        description: 'Only entries of these types, separated by commas: `TaskFailed,IncidentRaised`.',
      }),
    ),
    only: Type.Optional(
      Type.Enum(['failures'], {
        description: `What went wrong: entries of the types ${failureTypes.map((type) => `\`${type}\``).join(', ')}.`,
      }),
    ),
    order: Type.Optional(Type.Enum(['asc', 'desc'], { description: '`desc`: the newest first. Default: `asc`, the oldest first.' })),
  },
  strict,
);

export const HistoryEntry = Type.Object({
  seq: Type.Integer({ description: 'Counts from 1 without gaps.' }),
  type: Type.String({ description: 'What happened, e.g. `TaskCompleted`.' }),
  at: Instant,
  cause: Type.String({ description: '`<topic>/<partition>@<offset>` or `rest:<request>`.' }),
  taskId: NullableString(),
  details: JsonValue,
  omitted: Type.Boolean({ description: 'true: what the entry brought is larger than 16 MiB and is null here.' }),
});
export const HistoryPage = PageOf(HistoryEntry);

export const CancelBody = Type.Object({ reason: Type.Optional(StorableString(1_000)) }, strict);
export const RetryBody = Type.Object(
  { taskId: Type.Optional(StorableString(2_000, 'The task whose incident is to be resolved. Default: all incidents of the instance.')) },
  strict,
);
const Reason = Type.Optional(StorableString(1_000, 'The reason, which the history keeps.'));
const NodeOf = StorableString(2_000, 'A task that is open or under an incident.');
export const SetVarsBody = Type.Object(
  {
    vars: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }), JsonValue, {
      minProperties: 1,
      additionalProperties: false,
      description: 'New values by the names of variables. Other variables do not change.',
    }),
    reason: Reason,
  },
  strict,
);
export const CompleteNodeBody = Type.Object({ taskId: NodeOf, output: JsonValue, reason: Reason }, strict);
export const SkipNodeBody = Type.Object({ taskId: NodeOf, reason: Reason }, strict);
export const RerunNodeBody = Type.Object({ taskId: StorableString(2_000, 'A task that has ended.'), reason: Reason }, strict);
export const MigrateBody = Type.Object(
  {
    version: Type.Union([Type.Integer({ minimum: 1, maximum: 2_147_483_647 }), Type.Literal('latest')], {
      description: 'The version to move to: its number, or `latest`.',
    }),
    reason: Reason,
    dryRun: Type.Optional(Type.Boolean({ description: 'Only say whether it could. Default false.' })),
  },
  strict,
);
export const EmptyBody = Type.Object({}, strict);

export const CommandAnswer = Type.Object(
  {
    commandId: Type.String(),
    instanceId: Type.String(),
    type: Type.String(),
    status: Type.Union([Type.Literal('pending'), Type.Literal('applied')]),
    at: NullableInstant,
  },
  { description: '202: accepted; `pending` of the instance shows it until it is applied. 200: applied (`?wait=`).' },
);

export const MigrationAnswer = Type.Object(
  {
    instanceId: Type.String(),
    definition: DefinitionRef,
    toVersion: Type.Integer(),
    possible: Type.Boolean(),
    reasons: Type.Array(
      Type.Object({
        pointer: Type.String({ description: 'JSON pointer into the document of `toVersion`; empty: the instance as a whole.' }),
        message: Type.String(),
      }),
      { description: 'Everything that speaks against it; the first 100.' },
    ),
    reasonCount: Type.Integer(),
    skipped: Type.Array(Type.String(), {
      description: 'New nodes that the instance has passed. They would be skipped, as if no edge had led to them.',
    }),
  },
  { description: 'The verdict of a dry run.' },
);

export type RerunNodeBody = Static<typeof RerunNodeBody>;
export type MigrateBody = Static<typeof MigrateBody>;
export type MigrationAnswer = Static<typeof MigrationAnswer>;
export type SetVarsBody = Static<typeof SetVarsBody>;
export type CompleteNodeBody = Static<typeof CompleteNodeBody>;
export type SkipNodeBody = Static<typeof SkipNodeBody>;
export type StartBody = Static<typeof StartBody>;
export type StartedInstance = Static<typeof StartedInstance>;
export type QueuePause = Static<typeof QueuePause>;
export type WaitingFor = Static<typeof WaitingFor>;
export type OpenWork = Static<typeof OpenWork>;
export type Instance = Static<typeof Instance>;
export type InstanceFilter = Static<typeof InstanceFilter>;
export type InstanceSummary = Static<typeof InstanceSummary>;
export type HistoryQuery = Static<typeof HistoryQuery>;
export type HistoryEntry = Static<typeof HistoryEntry>;
export type CommandAnswer = Static<typeof CommandAnswer>;
