/**
 * A child that never runs: its cancel overtook its start, or its start was refused. It is written all the same, as an
 * instance that has ended, so that whatever comes for it later is answered like any other. It needs no definition.
 */

import type { DefinitionId, EpochMs, InstanceId } from '../../ids.ts';
import type { Json } from '../../json.ts';
import { toEnd } from '../../parts.ts';
import { startBasis } from '../attempts/basis.ts';
import type { InstanceEvent, InstanceStarted } from '../history/events.ts';
import { applyEvent, started } from '../history/evolve.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import type { TaskError } from '../state/state.ts';
import type { HistoryEntry, StepResult } from '../step.ts';

export type Stillborn = {
  readonly instanceId: InstanceId;
  readonly definitionId: DefinitionId;
  /** 0 where no version of that definition was found. */
  readonly definitionVersion: number;
  readonly input: Json;
  readonly businessKey: string | null;
  readonly by: string;
  readonly cause: string;
  readonly child: NonNullable<InstanceStarted['child']>;
};

/** @param error why the start was refused; null: it was cancelled before. */
export function stillborn({ instanceId, cause, ...born }: Stillborn, error: TaskError | null, at: EpochMs): StepResult {
  const { definitionId, definitionVersion, input, by } = born;
  const basis = startBasis(instanceId, definitionId, definitionVersion, input);
  const start: InstanceStarted = { type: 'InstanceStarted', at, ...born, vars: {}, basis, timeoutAt: null };
  const end: InstanceEvent =
    error === null
      ? { type: 'InstanceCancelled', at, by, commandId: null, reason: null }
      : { type: 'InstanceFailed', at, error, nodeId: null };
  const builder = started(instanceId, start);
  const history: readonly HistoryEntry[] = [
    { seq: builder.current.seq, cause, event: start },
    { seq: applyEvent(builder, end), cause, event: end },
  ];
  const { state } = builder;
  return { state, history, effects: toEnd(outgoing(null, state, history, 'instance')), rejected: [], left: [] };
}
