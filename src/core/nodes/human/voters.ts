/** Checks that as many people can vote as must, where all of them are written out: otherwise the task could never be completed. */
import type { DefinitionErrors } from '../../definition/errors.ts';
import type { KnownGraph } from '../../definition/typed/known.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { valueAt } from '../../json-pointer.ts';
import { own } from '../../record.ts';

export function checkVoters(graphs: readonly KnownGraph[], document: Json, errors: DefinitionErrors): void {
  const refused = errors.all.map((error) => error.pointer);
  for (const { scope, nodes } of graphs)
    for (const [id, node] of nodes) {
      if (node?.type !== 'human' || node.approvals === null) continue;
      const pointer = scope.nodePointer(id);
      // What cannot be read says nothing of how many there must be.
      if (refused.some((at) => at.startsWith(`${pointer}/approvals`))) continue;
      const written = valueAt(document, pointer);
      const people = isJsonObject(written) ? peopleOf(written) : null;
      if (people === null) continue;
      const { atLeast } = node.approvals;
      if (atLeast <= people.length) continue;
      const some = people.length === 0 ? 'nobody' : `only ${people.slice(0, 20).join(', ')}`;
      errors.add(
        `${pointer}/approvals/atLeast`,
        'MR_DEF_SHAPE',
        `"atLeast" is ${atLeast}, but ${some} can vote. Name more users in "assignees", or a role.`,
      );
    }
}

/** Who can vote, now or after an escalation; null where an expression or a role says who. A delegate takes the place of another. */
function peopleOf(node: JsonObject): readonly string[] | null {
  const escalations = own(node, 'escalate') ?? [];
  const steps = Array.isArray(escalations) ? (escalations as readonly Json[]) : [escalations];
  const lists = [own(node, 'assignees'), ...steps.map((step) => (isJsonObject(step) ? own(step, 'to') : undefined))].map(usersOf);
  const approvals = own(node, 'approvals');
  const notBy = isJsonObject(approvals) ? own(approvals, 'notBy') : undefined;
  const excluded = Array.isArray(notBy) ? (notBy as readonly Json[]) : [notBy];
  const people = new Set<string>();
  for (const list of lists) {
    if (list === null) return null;
    for (const name of list) if (!excluded.includes(name)) people.add(name);
  }
  return [...people];
}

function usersOf(assignees: Json | undefined): readonly string[] | null {
  if (!isJsonObject(assignees)) return null;
  const [users, roles] = [own(assignees, 'users') ?? [], own(assignees, 'roles') ?? []];
  if (!Array.isArray(users) || !Array.isArray(roles) || roles.length > 0) return null;
  const names = users as readonly Json[];
  return names.every((name): name is string => typeof name === 'string' && !name.includes('${')) ? names : null;
}
