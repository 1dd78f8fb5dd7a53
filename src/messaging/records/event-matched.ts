/** The record EventMatched: an event fits a wait of an instance, from the correlator to the orchestrator. */
import { type ExternalEvent, eventView } from '../../core/external-event.ts';
import { type InstanceId, type TaskPath, taskIdOf } from '../../core/ids.ts';
import type { EventMatched } from '../../core/instance/decide/notification.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { invalid, pathIn } from './invalid.ts';

export type MatchedWait = { readonly instanceId: InstanceId; readonly path: TaskPath; readonly attempt: number; readonly wait: number };

export function toMatchRecord(
  { instanceId, path, attempt, wait }: MatchedWait,
  event: ExternalEvent,
  eventRowId: string,
  whereError: string | null,
): records.EventMatched {
  return {
    ...{ instanceId, taskId: taskIdOf(instanceId, path), attempt, wait, eventRowId, whereError },
    ...{ eventId: event.id, eventType: event.type, eventSource: event.source, eventKey: event.key, eventTime: event.time },
    data: JSON.stringify(event.data),
  };
}

export function readMatchRecord(value: records.EventMatched, instanceId: InstanceId): EventMatched | InvalidMessage {
  const { attempt, wait, eventRowId, whereError } = value;
  const path = pathIn(value.taskId, instanceId);
  if (path === null) return invalid('taskId and instanceId do not belong together');
  if (!/^[0-9]{1,18}$/.test(eventRowId)) return invalid('the eventRowId is not the number of a row');
  const data = parseJsonStrict(value.data);
  if (!data.ok) return invalid(`the data cannot be read: ${data.reason}`);
  const { eventId: id, eventType: type, eventSource: source, eventKey: key, eventTime: time } = value;
  const event = eventView({ id, type, source, key, time, data: data.value });
  return { type: 'EventMatched', path, attempt, wait, eventRowId, event, whereError };
}
