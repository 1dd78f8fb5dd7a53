/**
 * The typed client of Millrace's REST API, with one method for each route. Every method throws `MillraceApiError` if the
 * server refuses the request, and `MillraceUnreachableError` if it does not answer.
 */
import type {
  CommandAnswer,
  DeadLetter,
  DeadLetterClosed,
  DefinitionDetail,
  DefinitionSummary,
  DefinitionTriggers,
  DefinitionVersion,
  Deployed,
  EventAccepted,
  EventBody,
  FireBody,
  HistoryEntry,
  InboxTask,
  Instance,
  InstanceSummary,
  Job,
  JobBody,
  JobPreview,
  JobResult,
  MigrationAnswer,
  NextTask,
  Queue,
  QueueList,
  StartBody,
  StartedInstance,
  Task,
  TaskDetail,
  Validation,
  VerdictsBody,
} from '../contract/index.ts';
import type { Json } from '../core/json.ts';
import { type ConnectionOptions, createConnection, type RequestOptions } from './connection.ts';
import { type FollowOptions, followInstance } from './stream.ts';

export type * from '../contract/index.ts';
export type { ConnectionOptions } from './connection.ts';
export { MillraceApiError, MillraceUnreachableError } from './errors.ts';
export type { FollowOptions } from './stream.ts';

export type Page<Item> = { readonly items: readonly Item[]; readonly nextCursor: string | null };
export type PageOptions = { readonly limit?: number | undefined; readonly cursor?: string | undefined };
/** Values that a definition marks as sensitive are shown: for operators and admins; the server logs it. */
export type ViewOptions = { readonly unmasked?: boolean | undefined };
/** How long the server may wait for the result before it answers, in ms. */
export type WaitOptions = { readonly waitMs?: number | undefined };

export type InstanceFilter = PageOptions & {
  readonly status?: Instance['status'] | undefined;
  readonly definition?: string | undefined;
  readonly version?: number | undefined;
  readonly businessKey?: string | undefined;
  readonly parent?: string | undefined;
  /** true: those with an attempt that failed, after which the next one comes by itself. */
  readonly retrying?: boolean | undefined;
  /** Those with an open incident whose error has this code; paused ones too. */
  readonly incidentCode?: string | undefined;
  /** RFC 3339. */
  readonly startedFrom?: string | undefined;
  readonly startedTo?: string | undefined;
};
export type HistoryFilter = PageOptions & {
  /** Types of entries, separated by commas. */
  readonly type?: string | undefined;
  /** Only what went wrong; not together with `type`. */
  readonly only?: 'failures' | undefined;
  /** `desc`: the newest first. A cursor belongs to the order in which it was given. */
  readonly order?: 'asc' | 'desc' | undefined;
};
export type InboxFilter = PageOptions & {
  /** `me` is the subject of the key. */
  readonly assignee?: string | undefined;
  readonly role?: string | undefined;
  /** Only what the subject of the key can do now. */
  readonly mine?: boolean | undefined;
  readonly dueBefore?: string | undefined;
  readonly instanceId?: string | undefined;
  readonly definition?: string | undefined;
};
/** The person for whom an admin key acts. */
export type ActingFor = { readonly assignee?: string | undefined };
/** `attempt`: the one that the person saw; refused when another one is open. */
export type Acting = ActingFor & WaitOptions & { readonly attempt?: number | undefined };
/** `outcome`: one of the task's `outcomes`. */
export type Deciding = Acting & { readonly outcome?: string | undefined; readonly comment?: string | undefined };

/** The reason, which the history keeps. */
export type Reason = { readonly reason?: string | undefined };

/** The default of `limit` is 50. */
export type VerdictsQuery = Omit<VerdictsBody, 'limit'> & { readonly limit?: number | undefined };
/** The default of `rate` is 100 commands a second. */
export type NewJob = Omit<JobBody, 'rate' | 'dryRun'> & { readonly rate?: number | undefined };

export type Client = ReturnType<typeof createClient>;

/**
 * @example
 * const client = createClient({ url: 'http://127.0.0.1:8080', apiKey });
 * const { instanceId } = await client.start('expense-approval', { input: { amount: 120 } }, { idempotencyKey: 'expense-17' });
 */
export function createClient(options: ConnectionOptions) {
  const connection = createConnection(options);
  const get = <Answer>(path: readonly string[], query: RequestOptions['query'] = {}) =>
    connection.request<Answer>({ method: 'GET', path, query });
  const post = <Answer>(path: readonly string[], body: unknown, more: Omit<Partial<RequestOptions>, 'waitMs'> & WaitOptions = {}) => {
    const { waitMs, query, ...rest } = more;
    const wait = waitMs === undefined ? {} : { wait: `${waitMs}ms` };
    return connection.request<Answer>({
      method: 'POST',
      path,
      body,
      ...rest,
      ...(waitMs === undefined ? {} : { waitMs }),
      query: { ...query, ...wait },
    });
  };
  const control = (instanceId: string, command: string, body: Json, wait: WaitOptions) =>
    post<CommandAnswer>(['instances', instanceId, command], body, wait);
  const drawing = async (path: readonly string[], format: 'svg' | 'mermaid'): Promise<string> => {
    const response = await connection.open({ method: 'GET', path: [...path, 'drawing'], query: { format }, headers: { accept: '*/*' } });
    return response === null ? '' : await response.text();
  };
  const triggersOf = (definition: string, trigger: string | undefined, action: string) => [
    ...['definitions', definition, 'triggers'],
    ...(trigger === undefined ? [] : [trigger]),
    action,
  ];
  const task = (taskId: string, ...action: string[]) => ['tasks', taskId, ...action];

  return {
    /** The same content gets the same version, so repeating is safe. `allowBreaking`: also when it refuses what callers send. */
    deploy: (document: Json, { allowBreaking = false }: { readonly allowBreaking?: boolean } = {}) =>
      post<Deployed>(['definitions'], document, { repeatable: true, query: allowBreaking ? { allowBreaking } : {} }),
    validate: (document: Json) => post<Validation>(['definitions', 'validate'], document, { repeatable: true }),
    definitions: (page: PageOptions = {}) => get<Page<DefinitionSummary>>(['definitions'], page),
    definition: (id: string) => get<DefinitionDetail>(['definitions', id]),
    definitionVersion: (id: string, version: number) => get<DefinitionVersion>(['definitions', id, 'versions', String(version)]),
    drawDefinition: (id: string, version: number, format: 'svg' | 'mermaid' = 'svg') =>
      drawing(['definitions', id, 'versions', String(version)], format),

    /**
     * Starts an instance. With an `idempotencyKey` the request is safe to repeat, and is retried.
     * @returns the whole instance if it ended within `waitMs`, else its id.
     */
    start: (
      definition: string,
      body: StartBody = {},
      { idempotencyKey, ...wait }: WaitOptions & { readonly idempotencyKey?: string | undefined } = {},
    ) =>
      post<StartedInstance | Instance>(['definitions', definition, 'instances'], body, {
        ...wait,
        ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey }, repeatable: true }),
      }),
    instances: (filter: InstanceFilter = {}) => get<Page<InstanceSummary>>(['instances'], filter),
    instance: (instanceId: string, view: ViewOptions = {}) => get<Instance>(['instances', instanceId], view),
    /** Oldest first, unless `order` says otherwise. */
    history: (instanceId: string, filter: HistoryFilter & ViewOptions = {}) =>
      get<Page<HistoryEntry>>(['instances', instanceId, 'history'], filter),
    instanceTasks: (instanceId: string, page: PageOptions & ViewOptions = {}) => get<Page<Task>>(['instances', instanceId, 'tasks'], page),
    /** The drawing of its definition, coloured by what became of each node. */
    drawInstance: (instanceId: string, format: 'svg' | 'mermaid' = 'svg') => drawing(['instances', instanceId], format),
    /** Yields the history entries until the instance has ended; a broken stream is resumed. */
    follow: (instanceId: string, follow: FollowOptions = {}) => followInstance(connection, instanceId, follow),

    cancel: (instanceId: string, reason?: string, wait: WaitOptions = {}) =>
      control(instanceId, 'cancel', reason === undefined ? {} : { reason }, wait),
    pause: (instanceId: string, wait: WaitOptions = {}) => control(instanceId, 'pause', {}, wait),
    resume: (instanceId: string, wait: WaitOptions = {}) => control(instanceId, 'resume', {}, wait),
    /** @param taskId default: all incidents of the instance. */
    retry: (instanceId: string, taskId?: string, wait: WaitOptions = {}) =>
      control(instanceId, 'retry', taskId === undefined ? {} : { taskId }, wait),

    /** Only while the instance is paused or under an incident. Other variables do not change. */
    setVars: (instanceId: string, vars: { readonly [name: string]: Json }, { reason, ...wait }: Reason & WaitOptions = {}) =>
      control(instanceId, 'set-vars', { vars, ...(reason === undefined ? {} : { reason }) }, wait),
    /** Completes a node that is open or under an incident with this output; the instance continues from it. */
    completeNode: (instanceId: string, taskId: string, output: Json, { reason, ...wait }: Reason & WaitOptions = {}) =>
      control(instanceId, 'complete-node', { taskId, output, ...(reason === undefined ? {} : { reason }) }, wait),
    /** Skips a node that is open or under an incident, as if no edge had led to it. */
    skipNode: (instanceId: string, taskId: string, { reason, ...wait }: Reason & WaitOptions = {}) =>
      control(instanceId, 'skip-node', { taskId, ...(reason === undefined ? {} : { reason }) }, wait),
    /** Runs a node that has ended again, under its next attempt; what lies behind it is taken back and follows anew. */
    rerunNode: (instanceId: string, taskId: string, { reason, ...wait }: Reason & WaitOptions = {}) =>
      control(instanceId, 'rerun-node', { taskId, ...(reason === undefined ? {} : { reason }) }, wait),
    /** Moves the instance to another version of its definition. Refused with every reason if it does not fit. */
    migrate: (instanceId: string, version: number | 'latest', { reason, ...wait }: Reason & WaitOptions = {}) =>
      control(instanceId, 'migrate', { version, ...(reason === undefined ? {} : { reason }) }, wait),
    /** Whether it could move, and what speaks against it. Changes nothing. */
    judgeMigration: (instanceId: string, version: number | 'latest') =>
      post<MigrationAnswer>(['instances', instanceId, 'migrate'], { version, dryRun: true }, { repeatable: true }),

    inbox: (filter: InboxFilter = {}) => get<Page<InboxTask>>(['tasks'], filter),
    task: (taskId: string, view: ViewOptions = {}) => get<TaskDetail>(task(taskId), view),
    claim: (taskId: string, speaking: ActingFor = {}) => post<InboxTask>(task(taskId, 'claim'), speaking),
    unclaim: (taskId: string, speaking: ActingFor = {}) => post<InboxTask>(task(taskId, 'unclaim'), speaking),
    nextTask: () => get<NextTask>(['tasks', 'next']),
    /** Completes the task, or votes where several people decide it. */
    complete: (taskId: string, output: Json, { waitMs, ...acting }: Deciding = {}) =>
      post<CommandAnswer>(task(taskId, 'complete'), { output, ...acting }, { waitMs }),
    fail: (taskId: string, error: { readonly code: string; readonly message: string }, { waitMs, ...acting }: Acting = {}) =>
      post<CommandAnswer>(task(taskId, 'fail'), { error, ...acting }, { waitMs }),
    delegate: (taskId: string, to: string, { waitMs, ...acting }: Omit<Deciding, 'outcome'> = {}) =>
      post<CommandAnswer>(task(taskId, 'delegate'), { to, ...acting }, { waitMs }),
    comment: (taskId: string, text: string, { waitMs, ...acting }: Acting = {}) =>
      post<CommandAnswer>(task(taskId, 'comment'), { text, ...acting }, { waitMs }),

    /** With an `id` the request is safe to repeat, and is retried. */
    sendEvent: (event: EventBody) => post<EventAccepted>(['events'], event, { repeatable: event.id !== undefined }),

    triggers: (page: PageOptions = {}) => get<Page<DefinitionTriggers>>(['triggers'], page),
    definitionTriggers: (definition: string) => get<DefinitionTriggers>(['definitions', definition, 'triggers']),
    /** @param trigger default: all of the definition. */
    pauseTriggers: (definition: string, trigger?: string) => post<DefinitionTriggers>(triggersOf(definition, trigger, 'pause'), {}),
    resumeTriggers: (definition: string, trigger?: string) => post<DefinitionTriggers>(triggersOf(definition, trigger, 'resume'), {}),
    /** Starts an instance as the trigger would. With an `idempotencyKey` the request is safe to repeat, and is retried. */
    fireTrigger: (
      definition: string,
      trigger: string,
      body: FireBody = {},
      { idempotencyKey }: { readonly idempotencyKey?: string | undefined } = {},
    ) =>
      post<StartedInstance>(
        triggersOf(definition, trigger, 'fire'),
        body,
        idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey }, repeatable: true },
      ),

    /** With an `idempotencyKey` the request is safe to repeat, and is retried. */
    createJob: (job: NewJob, { idempotencyKey }: { readonly idempotencyKey?: string | undefined } = {}) =>
      post<Job>(['jobs'], job, idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey }, repeatable: true }),
    /** What the job would be for. Nothing is created. */
    previewJob: (job: NewJob) => post<JobPreview>(['jobs'], { ...job, dryRun: true }, { repeatable: true }),
    /** Whether each instance that a migrating job would be for could move, a page at a time. */
    verdicts: (body: VerdictsQuery) => post<Page<MigrationAnswer>>(['jobs', 'verdicts'], body, { repeatable: true }),
    jobs: (filter: PageOptions & { readonly status?: Job['status'] | undefined } = {}) => get<Page<Job>>(['jobs'], filter),
    job: (jobId: string) => get<Job>(['jobs', jobId]),
    /** Refused ones first. */
    jobResults: (jobId: string, filter: PageOptions & { readonly result?: JobResult['result'] | undefined } = {}) =>
      get<Page<JobResult>>(['jobs', jobId, 'results'], filter),
    pauseJob: (jobId: string) => post<Job>(['jobs', jobId, 'pause'], {}),
    resumeJob: (jobId: string) => post<Job>(['jobs', jobId, 'resume'], {}),
    /** Nothing more is sent; what was sent stays. */
    cancelJob: (jobId: string) => post<Job>(['jobs', jobId, 'cancel'], {}),

    queues: () => get<QueueList>(['queues']),
    /** Its workers begin nothing until it is resumed. `http` is the queue of `http` nodes. */
    pauseQueue: (queue: string, { reason }: Reason = {}) =>
      post<Queue>(['queues', queue, 'pause'], reason === undefined ? {} : { reason }, { repeatable: true }),
    resumeQueue: (queue: string) => post<Queue>(['queues', queue, 'resume'], {}, { repeatable: true }),

    deadLetters: (filter: PageOptions & ViewOptions & { readonly status?: DeadLetter['status'] | undefined } = {}) =>
      get<Page<DeadLetter>>(['dead-letters'], filter),
    replayDeadLetter: (id: string) => post<DeadLetterClosed>(['dead-letters', id, 'replay'], {}),
    discardDeadLetter: (id: string) => post<DeadLetterClosed>(['dead-letters', id, 'discard'], {}),
  };
}
