/**
 * For each field of the language a document in which it alone is wrong. Fields are named as editors know them:
 * `human.approvals.atLeast`, `edge.on`, `triggers.schedule.cron`, and `definition.…` for those of the top.
 */
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

const transform = { type: 'transform', output: 1 };
const body = { nodes: { a: transform } };
const users = { users: ['ada'] };

/** Each with what the fields below need beside them. */
const nodes: { readonly [type: string]: JsonObject } = {
  task: { type: 'task', task: 'charge' },
  http: { type: 'http', method: 'POST', url: 'https://a.example' },
  transform,
  human: { type: 'human', title: 'Look', assignees: users, escalate: { after: '1d', to: users } },
  wait: { type: 'wait' },
  event: { type: 'event', event: 'paid', key: 'k' },
  publish: { type: 'publish', event: 'paid', key: 'k' },
  forEach: { type: 'forEach', items: [1], body },
  repeat: { type: 'repeat', until: 'true', body },
  workflow: { type: 'workflow', definition: 'child' },
};

const triggerOf = (path: readonly string[]): JsonObject =>
  path[0] === 'schedule' ? { schedule: { cron: '0 0 * * *' } } : { event: 'paid' };

/** @returns the document, and the pointer of the field in it. */
export function documentWithWrong(field: string, value: Json): { readonly document: JsonObject; readonly pointer: string } {
  const [owner = '', ...path] = field.split('.');
  const pointer = path.map((name) => (name === 'anyOf' && path.length > 1 ? '/anyOf/0' : `/${name}`)).join('');
  const top = { id: 'test', nodes: { n: transform } };
  switch (owner) {
    case 'definition':
      return { document: replaced(top, path, value), pointer };
    case 'edge': {
      const edges = [
        replaced({ from: 'n', to: 'm' }, path, value),
        ...(path[0] === 'when' ? [{ from: 'n', to: null, otherwise: true }] : []),
      ];
      return { document: { ...top, nodes: { n: nodes.task ?? {}, m: transform }, edges }, pointer: `/edges/0${pointer}` };
    }
    case 'triggers':
      return { document: { ...top, triggers: [replaced(triggerOf(path), path, value)] }, pointer: `/triggers/0${pointer}` };
    default: {
      const document = { ...top, nodes: { n: replaced(nodeOf(owner, path), path, value) } };
      return { document: path[0] === 'compensation' ? { ...document, onFailure: 'compensate' } : document, pointer: `/nodes/n${pointer}` };
    }
  }
}

/** Without what cannot stand beside the field. */
function nodeOf(type: string, [field = '']: readonly string[]): JsonObject {
  if (field === 'anyOf') return { type, anyOf: [{ event: 'paid', key: 'k' }] };
  if (type === 'forEach' && field === 'workflow') return { type, items: [1], workflow: { definition: 'child' } };
  if (type === 'repeat' && field === 'while') return { type, body };
  return nodes[type] ?? {};
}

function replaced(object: JsonObject, [name = '', ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) return { ...object, [name]: value };
  const inner = object[name];
  if (Array.isArray(inner)) return { ...object, [name]: [replaced(fieldsOf(inner[0]), rest, value)] };
  return { ...object, [name]: replaced(fieldsOf(inner), rest, value) };
}

function fieldsOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
