/** Reads a `human` node: work for a person. */
import type { HumanNode } from '../../definition/types.ts';
import type { FailureEnding } from '../common/failure-ending.ts';
import { type NodeContext, opening, readCommon, readDuration } from '../common/node-context.ts';
import { readApprovals, readOutcomes } from './read-approvals.ts';
import { readAssignees } from './read-assignees.ts';
import { readEscalations, readReminders } from './read-chains.ts';

export function readHuman(context: NodeContext): HumanNode {
  const { reader, expressions } = context;
  reader.required('title', 'what the person reads in the list of tasks');
  const title = expressions.template(reader.string('title') ?? '-', reader.at('title'), opening(context));
  reader.required('assignees', 'who may do it, as { "users": […], "roles": […] }');
  const form = reader.raw('form');
  const outcomes = readOutcomes(reader);
  return {
    ...readCommon(context),
    type: 'human',
    title,
    assignees: readAssignees(reader, 'assignees', expressions, opening(context)),
    form: form === undefined ? null : expressions.schema(form, reader.at('form')),
    outcomes,
    approvals: readApprovals(context, outcomes),
    due: readDuration(context, 'due'),
    reminders: readReminders(context),
    escalations: readEscalations(context),
    timeout: readDuration(context, 'timeout'),
  };
}

export function whyHumanNeverEnds(node: HumanNode, on: FailureEnding): string | null {
  return on === 'timedOut' && node.timeout === null ? `"${node.name}" has no "timeout".` : null;
}
