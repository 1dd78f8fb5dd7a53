/**
 * A value that schemas mark as sensitive, and definitions that copy it to wherever a definition can: for the test that looks for it in every
 * view. Each is left with open work of many kinds, under incidents, and refuses commands.
 */
import type { Json } from '../../src/core/json.ts';

export const CANARY = 'CANARY-4111';

const marked = { type: 'string', sensitive: true };
const object = (properties: { readonly [name: string]: Json }): Json => ({ type: 'object', properties });
const card = '${ input.card }';
const never = { maxAttempts: 1 };

/** @param input of `card`; another version refuses what the first one took. */
const canary = (cardSchema: Json): Json => ({
  id: 'canary',
  input: object({ card: cardSchema, plain: { type: 'string' } }),
  vars: { kept: card },
  triggers: [{ event: 'canary.came', input: '${ event.data }' }],
  nodes: {
    echo: {
      ...{ type: 'task', task: 'e2e.echo', input: { card, text: `Card ${card}` } },
      outputSchema: object({ card: marked, text: marked }),
    },
    fetch: { type: 'http', method: 'GET', url: `http://127.0.0.1:1/${card}`, query: { card }, retry: never },
    counts: { type: 'transform', output: '${ int(input.card) }' },
    ask: { type: 'human', title: `Charge ${card}?`, assignees: { users: ['ada'] }, form: object({ pin: marked }) },
    hears: { type: 'event', event: 'canary.paid', key: card },
    each: {
      type: 'forEach',
      items: [card, 'plain'],
      body: { nodes: { copy: { type: 'transform', output: '${ item }' } }, output: '${ nodes.copy.output }' },
    },
    tells: { type: 'publish', event: 'canary.told', key: card, data: { card, all: '${ input }' } },
    child: { type: 'workflow', definition: 'canary-child', input: { card } },
    waits: { type: 'event', event: 'canary.never', key: 'never' },
  },
});

/** What its person gives and says is marked by itself alone. */
const child: Json = {
  id: 'canary-child',
  onFailure: 'fail',
  input: object({ card: marked }),
  nodes: { ask: { type: 'human', title: 'Which pin?', assignees: { users: ['ada'] }, form: object({ pin: marked }) } },
  output: { pin: '${ nodes.ask.output.pin }' },
};

/** They mark nothing, and get it from their child. */
const parent: Json = {
  id: 'canary-parent',
  nodes: {
    child: { type: 'workflow', definition: 'canary-child' },
    makes: { type: 'transform', output: { copy: '${ nodes.child.output }', plain: 'shown' } },
    waits: { type: 'event', event: 'canary.never', key: 'never' },
  },
  edges: [{ from: 'child', to: 'makes' }],
};

export const canaries = { first: canary(marked), next: canary({ ...marked, maxLength: 3 }), child, parent };

export type Ids = {
  readonly instances: readonly string[];
  readonly tasks: readonly string[];
  readonly jobs: readonly string[];
};

/** The paths of a route of OpenAPI, with what there is. @returns undefined: this does not know what to put into them. */
export function pathsOf(route: string, { instances, tasks, jobs }: Ids): readonly string[] | undefined {
  const definitions = ['canary', 'canary-child', 'canary-parent'];
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['/instances/{id}', instances],
    ['/tasks/{id}', tasks],
    ['/jobs/{id}', jobs],
    ['/definitions/{id}', definitions],
    // Letters of the other tests, if there are any.
    ['/dead-letters/{id}', ['1', '2', '3']],
  ];
  const [part, ids] = parts.find(([name]) => route.startsWith(`/v1${name}`)) ?? ['', null];
  const paths = ids === null ? [route] : ids.map((id) => route.replace(part, part.replace('{id}', id)));
  const filled = paths.map((path) => path.replace('{version}', '1'));
  return filled.some((path) => path.includes('{')) ? undefined : filled;
}

/** As text, and as the base64 of what holds it. */
export function holdsCanary(text: string): boolean {
  const decoded = [...text.matchAll(/"([A-Za-z0-9+/=]{8,})"/g)].map(([, word = '']) => Buffer.from(word, 'base64').toString('latin1'));
  return [text, ...decoded].some((one) => one.includes(CANARY));
}

/** @returns the paths whose views hold it. */
export function withCanary(shown: ReadonlyMap<string, string>): readonly string[] {
  return [...shown].flatMap(([path, text]) => (holdsCanary(text) ? [path] : []));
}
