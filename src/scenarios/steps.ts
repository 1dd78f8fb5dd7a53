/** Takes the steps of a scenario: the clock goes on, an event comes, people and operators act as through the API. */
import { parseDuration, parseInstant } from '../core/duration.ts';
import type { TaskPath } from '../core/ids.ts';
import { attemptAt } from '../core/instance/decide/corrections.ts';
import type { CommandIssued } from '../core/instance/decide/notification.ts';
import { judge } from '../core/instance/index.ts';
import type { MigrationReason } from '../core/instance/migration/reasons.ts';
import { taskAt } from '../core/instance/state/scopes.ts';
import { toEnd } from '../core/parts.ts';
import { externalEvent } from './beginning.ts';
import type { Step } from './format.ts';
import type { Refusal, Simulation } from './simulation.ts';

/** @returns the refusal of a command, if there is one. */
export function take(simulation: Simulation, step: Step): Refusal | null {
  const { advance, advanceTo, event, complete, fail, delegate, command, migrate } = step;
  if (advance !== undefined) simulation.advanceTo(simulation.now + (parseDuration(advance) ?? 0));
  if (advanceTo !== undefined) simulation.advanceTo(parseInstant(advanceTo) ?? 0);
  if (event !== undefined) simulation.receive(externalEvent(event, { id: event.id ?? simulation.nextEventId(), time: simulation.now }));
  if (complete !== undefined) return completeTask(simulation, complete);
  if (fail !== undefined) {
    const { code, message = `${code} happened.`, by } = fail;
    return act(simulation, { type: 'failTask', ...placeOf(simulation, fail.task), error: { code, message } }, by);
  }
  if (delegate !== undefined) {
    const { task, to, comment = null, by } = delegate;
    return act(simulation, { type: 'delegateTask', ...placeOf(simulation, task), to, comment }, by);
  }
  if (migrate !== undefined) {
    const { to, reason = null, by } = migrate;
    return act(simulation, { type: 'migrate', version: simulation.versionAt(to).version, reason }, by);
  }
  return command === undefined ? null : act(simulation, commandOf(simulation, command), command.by);
}

/** Everything that speaks against a move of the instance to that version now. */
export function reasonsAgainst({ definition, state, now, versionAt }: Simulation, to: string): readonly MigrationReason[] {
  return toEnd(judge(definition, state, versionAt(to), now)).reasons;
}

function act(simulation: Simulation, command: CommandIssued['command'], by = 'tester'): Refusal | null {
  return simulation.command(command, by);
}

type Complete = NonNullable<Step['complete']>;

function completeTask(simulation: Simulation, { task: path, output = {}, outcome, comment, by }: Complete): Refusal | null {
  const place = placeOf(simulation, path);
  const refused = invalidForm(simulation, place.path, output);
  if (refused !== null) return refused;
  const task = taskAt(simulation.state, place.path);
  const type = task?.type === 'human' && task.status === 'open' && task.approvals !== undefined ? 'voteTask' : 'completeTask';
  const said = { ...(outcome === undefined ? {} : { outcome }), ...(comment === undefined ? {} : { comment }) };
  return act(simulation, { type, ...place, output, ...said }, by);
}

function commandOf(simulation: Simulation, given: NonNullable<Step['command']>): CommandIssued['command'] {
  const { type, task = '', output = null, vars = {}, reason = null } = given;
  switch (type) {
    case 'pause':
    case 'resume':
      return { type };
    case 'cancel':
      return { type, reason };
    case 'retry':
      return { type, path: task === '' ? null : (task as TaskPath) };
    case 'set-vars':
      return { type: 'setVars', vars, reason };
    case 'complete-node':
      return { type: 'completeNode', ...placeOf(simulation, task), output, reason };
    case 'skip-node':
      return { type: 'skipNode', ...placeOf(simulation, task), reason };
    case 'rerun-node':
      return { type: 'rerunNode', ...placeOf(simulation, task), reason };
  }
}

/** People act on the attempt that they see. */
function placeOf({ state }: Simulation, task: string): { readonly path: TaskPath; readonly attempt: number } {
  const path = task as TaskPath;
  return { path, attempt: attemptAt(state, path) };
}

/** The API checks the form before it issues a command, so a scenario does too. */
function invalidForm({ state, definition }: Simulation, path: TaskPath, output: Complete['output']): Refusal | null {
  const task = taskAt(state, path);
  const node = task?.status === 'open' ? definition.nodes.get(task.nodeId) : undefined;
  const [error] = (node?.type === 'human' ? node.form?.compiled.validate(output ?? {}) : undefined) ?? [];
  return error === undefined
    ? null
    : { code: 'MR_FORM_INVALID', message: `The output does not fit the form: ${error.pointer || '/'}: ${error.message}` };
}
