/** Results of the two entrances of the core, `start` and `step` (see `index.ts`). */
import type { EpochMs, InstanceId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { AddressedNotification } from './decide/notification.ts';
import type { Rejection } from './decide/rejection.ts';
import type { InstanceEvent, InstanceStarted } from './history/events.ts';
import type { Effect } from './outgoing/effects.ts';
import type { InstanceState } from './state/state.ts';

export type StartInstance = {
  readonly instanceId: InstanceId;
  /** Has passed the definition's input schema. */
  readonly input: Json;
  readonly businessKey: string | null;
  readonly by: string;
  /** `rest:<request id>`, or where the record of the parent's start stands. */
  readonly cause: string;
  /** Of a parent that asked for it. Absent: there is none. */
  readonly child?: NonNullable<InstanceStarted['child']>;
};

/** One line of an instance's history. */
export type HistoryEntry = {
  /** Counted from 1 in each instance, without gaps. */
  readonly seq: number;
  readonly cause: string;
  readonly event: InstanceEvent;
};

export type StepResult = {
  readonly state: InstanceState;
  /** Empty when everything was rejected. */
  readonly history: readonly HistoryEntry[];
  readonly effects: readonly Effect[];
  readonly rejected: readonly { readonly notification: AddressedNotification; readonly rejection: Rejection }[];
  /** The last notifications, which were not decided: those before them did as much work as one step may. They need another step. */
  readonly left: readonly AddressedNotification[];
};

export type { EpochMs };
