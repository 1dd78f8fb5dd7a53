/**
 * What a node does while it runs, what it waits for, and what about it may surprise. One entry for each type; a type without an
 * entry is only named.
 */
import type { DurationSetting, Graph, HttpNode, HumanNode, Node, NodeType, TaskNode } from '../core/definition/types.ts';

export type Work = { readonly sentences: readonly string[]; readonly warnings: readonly string[] };

const FOR_EVER = 'Nothing ends this wait: give it a "timeout" unless it may last for ever.';

const describe: { readonly [Type in NodeType]?: (node: Extract<Node, { readonly type: Type }>) => Work } = {
  task: (node) => ({
    sentences: [
      `A worker of the queue "${node.queue}" runs the handler "${node.task}"; until one does, the task waits.`,
      ...effortOf(node),
    ],
    warnings:
      node.queueTimeout === null
        ? ['If no worker with this handler runs, it waits for ever: give it a "queueTimeout" to be told, or watch the queue.']
        : [],
  }),
  http: (node) => ({
    sentences: [
      'The built-in worker sends the request; any 2xx is success. 408, 425, 429, 5xx and network errors are tried again.',
      ...effortOf(node),
    ],
    warnings: [],
  }),
  transform: () => ({ sentences: ['The engine computes its output at once. If an expression fails, that is an incident.'], warnings: [] }),
  human: ({ due, reminders, escalations, approvals, outcomes, timeout }) => ({
    sentences: [
      ...decisionOf({ approvals, outcomes }),
      ...(due === null ? [] : [`It is due after ${durationOf(due)}: that is shown, and nothing happens at that time.`]),
      ...reminders.map((after) => `After ${durationOf(after)} a reminder is sent to the lifecycle topic.`),
      ...escalations.map(({ after }) => `After ${durationOf(after)} it is reassigned.`),
      ...(timeout === null ? [] : [`After ${durationOf(timeout)} it is withdrawn, and the node times out.`]),
    ],
    warnings: timeout === null ? [FOR_EVER] : [],
  }),
  wait: ({ wait }) => ({
    sentences: [
      wait.kind === 'for'
        ? `It waits for ${durationOf(wait.duration)}.`
        : `It waits until ${wait.instant.kind === 'constant' ? new Date(wait.instant.at).toISOString() : 'the time that its expression gives'}; if that has passed, it completes at once.`,
    ],
    warnings: [],
  }),
  event: ({ waits, count, list, timeout, onTimeout }) => ({
    sentences: [
      `It waits for ${list ? `${count} events` : 'an event'} of the type ${[...new Set(waits.map(({ event }) => `"${event}"`))].join(' or ')} with its key. An event that came up to an hour before counts too.`,
      ...(timeout === null
        ? []
        : [`After ${durationOf(timeout)} it ${onTimeout === 'take' ? 'completes with the events that have come' : 'times out'}.`]),
    ],
    warnings: timeout === null ? [FOR_EVER] : [],
  }),
  publish: ({ event, topic }) => ({
    sentences: [`It sends an event of the type "${event}"${topic === null ? '' : ` (to the topic ${topic} too)`}, and completes at once.`],
    warnings: [],
  }),
  forEach: ({ body, concurrency, failuresMax, until, atLeast, hasChildren, timeout }) => ({
    sentences: [
      `It runs ${hasChildren ? 'a child' : bodyOf(body)} for each item, ${concurrency === null ? 'all at the same time' : `${concurrency} at a time`}, and gives their outputs in the order of the items.`,
      failuresMax === null
        ? 'A task that fails in its body does not make the loop fail: "onFailure" of the definition says what happens.'
        : failuresMax === 0
          ? 'It fails at the first item that fails.'
          : 'It continues with other items when one fails, as "onItemFailure" says; the output of a failed item is null.',
      ...(until === null ? [] : [`It ends early, and cancels what is open, once \`${until.source}\` holds after an item.`]),
      ...(atLeast === null
        ? []
        : [`It completes with ${atLeast} items, cancels the rest, and fails once so many cannot complete any more.`]),
      ...loopLimit(timeout),
    ],
    warnings: [],
  }),
  workflow: ({ definition, version, detached, timeout }) => ({
    sentences: [
      `It starts an instance of "${definition}" (${version === null ? 'the latest version' : `version ${version}`}) as its child.`,
      detached
        ? 'It completes as soon as the child is asked for.'
        : 'It waits for the end of the child, and fails when the child fails or is cancelled.',
      ...(timeout === null ? [] : [`After ${durationOf(timeout)} the child is cancelled, and the node has timed out.`]),
    ],
    warnings: [],
  }),
  repeat: ({ body, condition, max, delay, timeout }) => ({
    sentences: [
      `It runs ${bodyOf(body)} ${condition.kind === 'until' ? 'until' : 'while'} \`${condition.holds.source}\` holds, at most ${max} times${delay === null ? '' : `, with ${durationOf(delay)} between`}.`,
      'More rounds than that fail it with ROUNDS_EXHAUSTED.',
      ...loopLimit(timeout),
    ],
    warnings: [],
  }),
};

export function describeWork<Type extends NodeType>(node: Extract<Node, { readonly type: Type }>): Work {
  const one: ((node: Extract<Node, { readonly type: Type }>) => Work) | undefined = describe[node.type as Type];
  return one === undefined ? { sentences: [`It is a node of the type "${node.type}".`], warnings: [] } : one(node);
}

function decisionOf({ approvals, outcomes }: Pick<HumanNode, 'approvals' | 'outcomes'>): readonly string[] {
  const choice = outcomes === null ? '' : ` They choose one of ${outcomes.map((name) => `"${name}"`).join(', ')}.`;
  if (approvals === null || approvals.atLeast === 1)
    return [
      `It is in the inbox of its assignees until one of them completes or fails it.${choice}`,
      ...(approvals === null || approvals.notBy === null ? [] : [NOT_BY]),
    ];
  return [
    `It is in the inbox of its assignees until ${approvals.atLeast} of them have voted${outcomes === null ? '' : ' for the same outcome'}, or one fails it.${choice}`,
    ...(approvals.of === null ? [] : [`After ${approvals.of} votes without such an outcome it fails with UNDECIDED.`]),
    ...(approvals.notBy === null ? [] : [NOT_BY]),
  ];
}

const NOT_BY = 'Whoever "notBy" names may not decide it.';

function bodyOf({ nodes }: Graph): string {
  return `its body (${nodes.size === 1 ? '1 node' : `${nodes.size} nodes`})`;
}

function loopLimit(timeout: DurationSetting | null): readonly string[] {
  return timeout === null ? [] : [`After ${durationOf(timeout)} what is open in it is cancelled, and the node has timed out.`];
}

function effortOf({ timeout, queueTimeout, retry }: TaskNode | HttpNode): readonly string[] {
  const { maxAttempts, backoff, initialMs, maxMs } = retry;
  const attempts =
    maxAttempts === 1
      ? 'There is one attempt'
      : `There are up to ${maxAttempts} attempts, ${milliseconds(initialMs)} to ${milliseconds(maxMs)} apart (${backoff})`;
  return [
    `${attempts}, each of which may take ${durationOf(timeout)}.`,
    ...(queueTimeout === null ? [] : [`From dispatch to outcome an attempt may take ${durationOf(queueTimeout)}.`]),
  ];
}

function durationOf(setting: DurationSetting): string {
  return setting.kind === 'constant' ? milliseconds(setting.ms) : 'the time that its expression gives';
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** In the largest unit that divides it. */
function milliseconds(ms: number): string {
  for (const [unit, length] of UNITS) if (ms >= length && ms % length === 0) return ms === length ? `1 ${unit}` : `${ms / length} ${unit}s`;
  return `${ms} ms`;
}
