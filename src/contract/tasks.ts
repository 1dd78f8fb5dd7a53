/** Tasks, and the inbox of people, as REST shows them. */
import { type Static, Type } from 'typebox';
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
} from './common.ts';

export const Task = Type.Object({
  taskId: Type.String(),
  instanceId: Type.String(),
  nodeId: Type.String(),
  type: Type.String(),
  queue: NullableString(),
  status: Type.String({ description: 'scheduled, retrying, open (a person’s), completed, failed, timedOut, skipped or cancelled.' }),
  attempt: Type.Integer(),
  input: JsonValue,
  output: JsonValue,
  error: Nullable(TaskError),
  assignee: NullableString('Who claimed it, while it is a person’s and open.'),
  dueAt: Type.Unsafe<string | null>({ ...NullableInstant, description: 'When it ought to be done, while it is a person’s and open.' }),
  openedAt: Instant,
  updatedAt: Instant,
});
export const TaskPage = PageOf(Task);

/** An open task of a person. */
export const InboxTask = Type.Object({
  taskId: Type.String(),
  instanceId: Type.String(),
  nodeId: Type.String(),
  type: Type.Literal('human'),
  status: Type.Literal('open'),
  definition: DefinitionRef,
  businessKey: NullableString(),
  title: Type.String(),
  assignees: Assignees,
  assignee: NullableString('Who claimed it.'),
  dueAt: NullableInstant,
  openedAt: Instant,
});
export const InboxPage = PageOf(InboxTask);

export const TaskDetail = Type.Object({
  ...Task.properties,
  title: NullableString('Of a person’s task that is open.'),
  assignees: Nullable(Assignees),
  form: Type.Unsafe<unknown>({ description: 'JSON Schema that `output` of complete must fit; null when there is none.' }),
});

export const InboxQuery = Type.Object(
  {
    ...PageQuery,
    assignee: Type.Optional(StorableString(256, 'Tasks that this person claimed or is assigned to; `me` is the subject of the key.')),
    role: Type.Optional(StorableString(256)),
    dueBefore: Type.Optional(Instant),
    instanceId: Type.Optional(Type.String({ pattern: '^[0-9a-f-]{36}$' })),
    definition: Type.Optional(StorableString(128)),
  },
  strict,
);

const assignee = Type.Optional(StorableString(256, 'For whom an admin key speaks. Default: the subject of the key.'));
export const ClaimBody = Type.Object({ assignee }, strict);
export const CompleteBody = Type.Object({ output: JsonValue, assignee }, { ...strict, required: ['output'] });
export const FailBody = Type.Object(
  { error: Type.Object({ code: StorableString(100), message: StorableString(2_000) }, strict), assignee },
  strict,
);

export type Task = Static<typeof Task>;
export type InboxTask = Static<typeof InboxTask>;
export type TaskDetail = Static<typeof TaskDetail>;
