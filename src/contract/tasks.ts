/** Tasks, and the inbox of people, as REST shows them. */
import { type Static, Type } from 'typebox';
import type { Json } from '../core/json.ts';
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

const Vote = Type.Object({
  by: Type.String(),
  at: Instant,
  outcome: NullableString('The outcome that was chosen; null: the task has no outcomes.'),
  comment: NullableString(),
});
const Comment = Type.Object({ by: Type.String(), at: Instant, text: Type.String() });
const Delegation = Type.Object({ by: Type.String(), at: Instant, to: Type.String(), comment: NullableString() });

/** How many people decide a task. */
const Approvals = Type.Object({
  atLeast: Type.Integer({ description: 'Votes that the task, or one of its outcomes, needs.' }),
  of: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'Votes after which nobody else is asked; null: no such limit.',
  }),
  votedBy: Type.Array(Type.String(), { description: 'Who has voted, oldest first.' }),
});

export const Task = Type.Object({
  taskId: Type.String(),
  instanceId: Type.String(),
  nodeId: Type.String(),
  type: Type.String(),
  queue: NullableString(),
  status: Type.String({
    description:
      'scheduled, retrying, open, completed, failed, timedOut, skipped, cancelled, or withdrawn: a human task that another branch, or the end of its instance, made unnecessary.',
  }),
  attempt: Type.Integer(),
  input: JsonValue,
  output: JsonValue,
  omitted: Type.Array(Type.Union([Type.Literal('input'), Type.Literal('output')]), {
    description: 'What is null here since it is large: in lists more than 4,096 bytes (read the task by its id), else more than 16 MiB.',
  }),
  error: Nullable(TaskError),
  title: NullableString('Of a human task, also after it ended; null for any other.'),
  assignees: Type.Unsafe<Static<typeof Assignees> | null>({
    ...Nullable(Assignees),
    description: 'Who may complete the human task, also after it ended. null: it is no human task.',
  }),
  assignee: NullableString('Who has claimed the human task; null once it has ended.'),
  completedBy: NullableString('Who completed or failed the human task; null if it is open or ended without a person.'),
  completedAt: Type.Unsafe<string | null>({ ...NullableInstant, description: 'When that person completed or failed it.' }),
  outcome: NullableString('The outcome that was chosen; null: none, or none yet.'),
  votes: Type.Array(Vote, { description: 'Votes, oldest first; empty if one person decides.' }),
  comments: Type.Array(Comment, { description: 'Oldest first.' }),
  delegations: Type.Array(Delegation, { description: 'Oldest first.' }),
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
  attempt: Type.Integer({
    description: 'Send it with every action on the task: the action is refused when another attempt is open by then.',
  }),
  definition: DefinitionRef,
  businessKey: NullableString(),
  title: Type.String(),
  assignees: Assignees,
  approvals: Type.Unsafe<Static<typeof Approvals> | null>({
    ...Nullable(Approvals),
    description: 'null: the first person who completes the task decides.',
  }),
  assignee: NullableString('Who claimed it.'),
  dueAt: NullableInstant,
  openedAt: Instant,
});
export const InboxPage = PageOf(InboxTask);

export const TaskDetail = Type.Object({
  ...Task.properties,
  outcomes: Type.Unsafe<string[] | null>({
    ...Nullable(Type.Array(Type.String())),
    description: 'The values that `outcome` may have; null: the task has no outcomes.',
  }),
  form: Type.Unsafe<unknown>({ description: 'JSON Schema of the `output` with which the task is completed; null if there is none.' }),
});

export const InboxQuery = Type.Object(
  {
    ...PageQuery,
    assignee: Type.Optional(StorableString(256, 'Tasks that this person claimed or is assigned to; `me` is the subject of the key.')),
    role: Type.Optional(StorableString(256)),
    mine: Type.Optional(
      Type.Boolean({
        description:
          'Only what the subject of the key can do now: by name or by a role of the key, claimed by nobody else, not voted on, not forbidden.',
      }),
    ),
    dueBefore: Type.Optional(Instant),
    instanceId: Type.Optional(Type.String({ pattern: '^[0-9a-f-]{36}$' })),
    definition: Type.Optional(StorableString(128)),
  },
  strict,
);

const assignee = Type.Optional(StorableString(256, 'For whom an admin key speaks. Default: the subject of the key.'));
export const ClaimBody = Type.Object({ assignee }, strict);
const attempt = Type.Optional(
  Type.Integer({ minimum: 1, description: 'The attempt that you saw; 409 when another one is open. Default: the one that is open.' }),
);
const COMMENT_LENGTH_MAX = 1_000;
const comment = Type.Optional(StorableString(COMMENT_LENGTH_MAX, 'Kept with the task.'));
export const CompleteBody = Type.Object(
  {
    output: Type.Optional(Type.Unsafe<Json>({ description: 'Any JSON value. May be left out where `outcome` is given: then it is `{}`.' })),
    outcome: Type.Optional(StorableString(64, 'One of the `outcomes` of the task.')),
    comment,
    attempt,
    assignee,
  },
  strict,
);
export const FailBody = Type.Object(
  { error: Type.Object({ code: StorableString(100), message: StorableString(2_000) }, strict), attempt, assignee },
  strict,
);
export const DelegateBody = Type.Object(
  { to: StorableString(256, 'The person who has the task then.'), comment, attempt, assignee },
  strict,
);
export const CommentBody = Type.Object({ text: StorableString(COMMENT_LENGTH_MAX), attempt, assignee }, strict);

/** The task that a person should do next. */
export const NextTask = Type.Object({
  task: Type.Unsafe<Static<typeof InboxTask> | null>({ ...Nullable(InboxTask), description: 'null: there is nothing to do.' }),
});

export type Task = Static<typeof Task>;
export type NextTask = Static<typeof NextTask>;
export type CompleteBody = Static<typeof CompleteBody>;
export type FailBody = Static<typeof FailBody>;
export type DelegateBody = Static<typeof DelegateBody>;
export type CommentBody = Static<typeof CommentBody>;
export type InboxTask = Static<typeof InboxTask>;
export type TaskDetail = Static<typeof TaskDetail>;
