/**
 * Histories of the first version, as they are stored for ever: each must fold to the state that it gave then. One that
 * no longer does shows an event whose meaning was changed; a new meaning takes a new event type, and a new file here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fold, type HistoryEntry } from '../index.ts';
import type { InstanceState } from '../state/state.ts';
import type { InstanceEventType } from './events.ts';

type Golden = { readonly history: readonly HistoryEntry[]; readonly state: InstanceState };

const folder = new URL('../../../../test/golden/histories/', import.meta.url);
const golden = readdirSync(folder).map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden] as const);

/** A new type of event does not compile until it stands here. */
const types: { readonly [Type in InstanceEventType]: true } = {
  InstanceStarted: true,
  TaskScheduled: true,
  AttemptFailed: true,
  AttemptReturned: true,
  AttemptStarted: true,
  TaskRedispatched: true,
  HumanTaskOpened: true,
  HumanTaskReminded: true,
  HumanTaskEscalated: true,
  HumanTaskVoted: true,
  HumanTaskDelegated: true,
  HumanTaskCommented: true,
  WaitStarted: true,
  EventAwaited: true,
  EventReceived: true,
  EventPublished: true,
  WorkflowOpened: true,
  ChildRequested: true,
  ChildTold: true,
  ChildEnded: true,
  ParentWished: true,
  RetryPassedOn: true,
  TaskCompleted: true,
  TaskFailed: true,
  TaskCancelled: true,
  AwaitedTaskEnded: true,
  CompensationPlanned: true,
  CompensationStarted: true,
  NodeSkipped: true,
  NodeExited: true,
  ForEachOpened: true,
  RepeatOpened: true,
  LoopDelayed: true,
  ScopeOpened: true,
  ScopeEnded: true,
  StepLimited: true,
  StepContinued: true,
  IncidentRaised: true,
  IncidentResolved: true,
  InstancePaused: true,
  InstanceResumed: true,
  InstanceCancelled: true,
  VarsChanged: true,
  InstanceMigrated: true,
  NodeRerun: true,
  NodeCorrected: true,
  CommandRefused: true,
  InstanceEnding: true,
  InstanceUndoing: true,
  InstanceCompleted: true,
  InstanceFailed: true,
};

describe('A stored history', () => {
  it.each(golden)('%s folds to the state that it gave then', (_, { history, state }) => {
    expect(fold(state.instanceId, history)).toEqual(state);
  });

  it('of every type of event is kept', () => {
    const kept = new Set(golden.flatMap(([, { history }]) => history.map(({ event }) => event.type)));
    expect([...kept].sort()).toEqual(Object.keys(types).sort());
  });
});
