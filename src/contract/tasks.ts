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
  status: Type.String({ description: 'scheduled, retrying, open, completed, failed, timedOut, skipped or cancelled.' }),
  attempt: Type.Integer(),
  input: JsonValue,
  output: JsonValue,
  error: Nullable(TaskError),
  title: NullableString('Of a human task, also after it ended; null for any other.'),
  assignees: Type.Unsafe<Static<typeof Assignees> | null>({
    ...Nullable(Assignees),
    description: 'Who may complete the human task, also after it ended. null: it is no human task.',
  }),
  assignee: NullableString('Who has claimed the human task; null once it has ended.'),
  completedBy: NullableString('Who completed or failed the human task; null if it is open or ended without a person.'),
  dueAt: Type.Unsafe<string | null>({ ...NullableInstant, description: 'When the human task is or was due.' }),
  openedAt: Instant,
  updatedAt: Instant,
});
export const TaskPage = PageOf(Task);

/** An open human task. */
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
  form: Type.Unsafe<unknown>({ description: 'JSON Schema of the `output` with which the task is completed; null if there is none.' }),
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
