/** Gives new waits the events of the buffer. The locks of all their keys are held. */

import type { EventMatcher } from '../../instance-store.ts';
import { LoopTurns } from '../../loop-turns.ts';
import type { TransitionRows } from '../../stored/transition-rows.ts';
import type { Queryable } from '../connection/pools.ts';
import { storableText } from '../sql/storable-text.ts';
import { type BufferedEvent, eventFields, eventOf } from './buffered-event.ts';
import { Deliveries, type Offered } from './deliveries.ts';
import { type EventKey, keyText } from './key-locks.ts';

export function keysOfOpened(rows: TransitionRows): EventKey[] {
  return rows.openedSubscriptions.map(({ event, key }) => ({ type: event, key }));
}

const PAGE = 500;

const availableEvents = {
  name: 'available-events',
  text: `SELECT ${eventFields}, e.undelivered,
      ARRAY(SELECT d.instance_id::text FROM event_delivery d
        WHERE d.event_row_id = e.row_id AND d.instance_id = ANY ($4::uuid[]) AND NOT d.returned) AS had,
      ARRAY(SELECT d.instance_id::text FROM event_delivery d
        WHERE d.event_row_id = e.row_id AND d.instance_id = ANY ($4::uuid[]) AND d.returned) AS returned
    FROM (SELECT DISTINCT type, key FROM unnest($1::text[], $2::text[]) AS k (type, key)) AS k
    JOIN event_buffer e ON e.type = k.type AND e.key = k.key AND e.available AND e.expires_at > now() AND e.row_id > $3
    ORDER BY e.row_id LIMIT ${PAGE}`,
};

type AvailableEvent = BufferedEvent & { undelivered: boolean; had: string[]; returned: string[] };
type Opened = TransitionRows['openedSubscriptions'][number];

/**
 * Gives waits that have just opened the oldest fitting events of the buffer, as many as they take. An event that nobody had is
 * used up by that. Reads page by page: any number of events of one key may be in the buffer.
 */
export async function takeBufferedEvents(on: Queryable, matcher: EventMatcher, opened: readonly Opened[]): Promise<void> {
  if (opened.length === 0) return;
  const waits = opened.map((each): OpenedWait => {
    return { ...each, type: storableText(each.event), key: storableText(each.key), remaining: each.count };
  });
  const byKey = Map.groupBy(waits, keyText);
  const instances = [...new Set(waits.map(({ instanceId }) => instanceId))];
  const deliveries = new Deliveries(matcher);
  const turns = new LoopTurns();
  let after = '0';
  for (;;) {
    const { rows } = await on.query<AvailableEvent>({
      ...availableEvents,
      values: [waits.map(({ type }) => type), waits.map(({ key }) => key), after, instances],
    });
    for (const row of rows) {
      if (turns.isOver) await turns.take();
      await offerTo(byKey.get(keyText(row)) ?? [], row, deliveries, turns);
    }
    // The waits were opened by this transaction, so nobody else can have used one up.
    await deliveries.write(on);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE || !waits.some((wait) => deliveries.isFree(wait))) return;
    after = last.row_id;
  }
}

type OpenedWait = Offered & EventKey;

async function offerTo(waits: readonly OpenedWait[], row: AvailableEvent, deliveries: Deliveries, turns: LoopTurns): Promise<void> {
  let used = false;
  for (const wait of waits) {
    const { instanceId } = wait;
    const mayHave = row.returned.includes(instanceId) || (row.undelivered && !used && !row.had.includes(instanceId));
    if (!mayHave) continue;
    if (turns.isOver) await turns.take();
    if (deliveries.offer(row.row_id, eventOf(row), wait) && row.undelivered) used = true;
  }
}
