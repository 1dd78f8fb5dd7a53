/** Definitions that undo their work, and what their tests ask of instances. */
import { INSTANCE_ID, type Scenario } from '../../../../test/support/scenario.ts';
import { graphOf } from '../../definition/testing/documents.ts';
import type { JsonObject } from '../../json.ts';
import type { Notification } from '../decide/notification.ts';
import { step } from '../index.ts';
import type { InstanceState } from '../state/state.ts';
import { LazyCopy } from './lazy-copy.ts';

export const once = { maxAttempts: 1 };
export const work = { type: 'task', task: 'work', retry: once };
export const undo = { type: 'task', task: 'undo', input: '${ node.output }', retry: once };
export const undoable = { ...work, compensation: undo };
export const cancel = { type: 'cancel', reason: 'no longer wanted' } as const;

/** A definition of these nodes that undoes its work when it fails. */
export function compensating(nodes: JsonObject, edges: readonly (string | JsonObject)[] = [], more: JsonObject = {}): JsonObject {
  return graphOf(nodes, edges, { onFailure: 'compensate', ...more });
}

/** Decides twice, on all scopes and on only those that the decision asks for, and checks that the results are equal. */
export function decidedLazily({ definition, state, now }: Scenario, notification: Notification): InstanceState {
  const batch = [{ instanceId: INSTANCE_ID, cause: 'n/0@9', notification }];
  const decide = (part: InstanceState) => step(definition, part, batch, now);
  const decided = decide(state);
  new LazyCopy().check(state, batch, decided, decide);
  return decided.state;
}

/** The input of the open task at this path. */
export function inputOf(scenario: Scenario, path: string): unknown {
  const task = scenario.task(path);
  return 'payload' in task ? task.payload?.input : undefined;
}
