/** Names that the migrations and the connector share: tables, publication and slot. */

/** Made by the migrations, in the instance database. */
export const outboxPublication = 'millrace_outbox';
export const schemaName = 'public';
export const outboxTable = `${schemaName}.outbox`;
export const heartbeatTable = `${schemaName}.heartbeat`;

/** A cluster of Postgres knows slots by name, so it tells installations apart. Letters, digits and `_` only. */
export function slotName(prefix: string): string {
  return `${prefix
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, 50)}_outbox`;
}
