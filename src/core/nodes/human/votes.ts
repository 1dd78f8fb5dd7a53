/** Votes of several people, and when they decide a task. */
import type { CommandIssued, PersonCommand } from '../../instance/decide/notification.ts';
import type { Rejection } from '../../instance/decide/rejection.ts';
import { taskCompleted, taskFailed } from '../../instance/history/event-builders.ts';
import { taskAt } from '../../instance/state/scopes.ts';
import type { HumanTask, Vote } from '../../instance/state/state.ts';
import type { NewEvent, View } from '../../instance/view.ts';
import { type Json, jsonByteLength } from '../../json.ts';
import { instant } from '../common/waiting-for.ts';

type VotingTask = HumanTask & Required<Pick<HumanTask, 'approvals'>>;
type Answer = PersonCommand & { readonly type: 'completeTask' | 'voteTask' };
type Cast = Omit<Vote, 'seq'>;
type Who = { readonly by: string; readonly commandId: CommandIssued['commandId'] };

/** A vote, and the end of the task if it decides. */
export function castVote(view: View, task: VotingTask, answer: Answer, who: Who): readonly NewEvent[] {
  const vote = voteOf(view, answer, who.by);
  const { at: _, ...cast } = vote;
  const voted: NewEvent = { type: 'HumanTaskVoted', path: task.path, ...cast, commandId: who.commandId };
  const votes = [...(task.votes ?? []), vote];
  const decision = decisionOf(task, votes);
  if (decision === null) return [voted];
  if (decision.kind === 'undecided') return [voted, taskFailed(task, 'failed', { code: 'UNDECIDED', message: undecided(task, votes) })];
  const completed = taskCompleted(task, outputOf(decision.outcome, votes), who);
  return [voted, decision.outcome === null ? completed : { ...completed, outcome: decision.outcome }];
}

/** The votes become the output of the node, which has the limit of every output. */
export function refusalOfSize(view: View, command: CommandIssued['command'], by: string): Rejection | null {
  if (command.type !== 'completeTask' && command.type !== 'voteTask') return null;
  const task = taskAt(view.state, command.path);
  if (task?.type !== 'human' || task.status !== 'open' || task.approvals === undefined) return null;
  const { payloadBytes } = view.limits;
  if (jsonByteLength(outputOf(command.outcome ?? null, [...(task.votes ?? []), voteOf(view, command, by)])) <= payloadBytes) return null;
  return { code: 'MR_PAYLOAD_TOO_LARGE', reason: `The votes together would be larger than ${payloadBytes} bytes.` };
}

function voteOf({ now }: View, { outcome, output, comment }: Answer, by: string): Cast {
  return { by, at: now, outcome: outcome ?? null, output, comment: comment ?? null };
}

type Decision = { readonly kind: 'decided'; readonly outcome: string | null } | { readonly kind: 'undecided' };

/** null: further votes are needed. */
function decisionOf({ approvals: { atLeast, of }, outcomes }: VotingTask, votes: readonly Cast[]): Decision | null {
  if (outcomes === undefined) return votes.length < atLeast ? null : { kind: 'decided', outcome: null };
  const counts = outcomes.map((outcome) => ({ outcome, count: countOf(votes, outcome) }));
  const winner = counts.find(({ count }) => count >= atLeast);
  if (winner !== undefined) return { kind: 'decided', outcome: winner.outcome };
  const left = of === null ? Number.POSITIVE_INFINITY : of - votes.length;
  return counts.some(({ count }) => count + left >= atLeast) ? null : { kind: 'undecided' };
}

function countOf(votes: readonly Cast[], outcome: string): number {
  return votes.filter((vote) => vote.outcome === outcome).length;
}

function undecided({ approvals: { atLeast }, outcomes = [] }: VotingTask, votes: readonly Cast[]): string {
  const counts = outcomes.map((outcome) => `${outcome} ${countOf(votes, outcome)}`).join(', ');
  return `No outcome can have ${atLeast} votes any more: ${counts}.`;
}

function outputOf(outcome: string | null, votes: readonly Cast[]): Json {
  const shown = votes.map(({ by, at, outcome: chosen, output, comment }) => ({ by, at: instant(at), outcome: chosen, output, comment }));
  return { outcome, votes: shown };
}
