/**
 * Commands. The row and its message are one statement. By the table's unique index one command may complete or fail an attempt of
 * a human task, and each person may vote on it once; a second is refused at once. The orchestrator writes the result.
 */
import type { CommandId, EpochMs } from '../../core/ids.ts';
import type { CommandResult, NewCommand } from '../instance-store.ts';
import { translating } from './connection/errors.ts';
import type { Pool } from './connection/pools.ts';
import { storableText } from './sql/storable-text.ts';
import { epochMs } from './sql/times.ts';

const issue = {
  name: 'issue-command',
  // Only an open attempt has a row in human_task.
  text: `WITH t AS (SELECT attempt FROM human_task WHERE instance_id = $2 AND path = $5 AND attempt = $13),
    c AS (INSERT INTO command (id, instance_id, partition, type, path, attempt, payload, issued_by)
      SELECT $1::uuid, $2::uuid, $3::int4, $4::text, $5::text, (SELECT attempt FROM t), $6::json, $7::text
      WHERE $13::int4 IS NULL OR EXISTS (SELECT FROM t)
      ON CONFLICT DO NOTHING RETURNING id),
    sent AS (INSERT INTO outbox (topic, key, message_type, partition, payload)
      SELECT known.topic, $9::text, $10::text, $11::int4, $12::bytea FROM c LEFT JOIN outbox_topic known ON known.topic = $8)
    SELECT EXISTS (SELECT FROM c) OR EXISTS (SELECT FROM command WHERE id = $1) AS accepted`,
};

/** @returns also true for a command that is there already: its answer got lost. */
export async function issueCommand(pool: Pool, command: NewCommand): Promise<boolean> {
  const { commandId, instanceId, partition, type, path, attempt, payload, by, message } = command;
  const { rows } = await translating(() =>
    pool.query<{ accepted: boolean }>({
      ...issue,
      values: [
        ...[commandId, instanceId, partition, type, path, payload === null ? null : JSON.stringify(payload), storableText(by)],
        ...[message.topic, message.key, message.messageType, message.partition, message.payload, attempt],
      ],
    }),
  );
  return rows[0]?.accepted === true;
}

export type CommandRow = {
  readonly status: 'pending' | 'applied' | 'refused';
  readonly code: string | null;
  readonly reason: string | null;
  readonly at: EpochMs | null;
};

/** Columns of one command that make a `CommandRow`. */
export const commandResultFields = (command: string): string =>
  `${command}.status, ${command}.code, ${command}.reason, ${epochMs(`${command}.result_at`)} AS at`;

export async function commandResult(pool: Pool, commandId: CommandId): Promise<CommandResult | null> {
  const { rows } = await translating(() =>
    pool.query<CommandRow>({
      name: 'command-result',
      text: `SELECT ${commandResultFields('c')} FROM command c WHERE c.id = $1`,
      values: [commandId],
    }),
  );
  return rows[0] === undefined ? null : resultOf(rows[0]);
}

export function resultOf({ status, code, reason, at }: CommandRow): CommandResult {
  if (status === 'pending' || at === null) return { status: 'pending' };
  if (status === 'applied') return { status: 'applied', at };
  return { status: 'refused', code: code ?? '', reason: reason ?? '', at };
}
