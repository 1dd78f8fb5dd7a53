/** Keeping the instance database in shape, and telling how far its outbox is published: the ports. */

export type MaintenanceReport = {
  readonly partitionsMade: number;
  readonly partitionsDetached: number;
  readonly partitionsDropped: number;
  /** Rows fell into the default partition, since none was made for their hour: an alarm. */
  readonly rowsInDefault: boolean;
  /** Rows that were deleted because they are old, by table. */
  readonly deleted: { readonly [table: string]: number };
  /** Steps that did not work this time; the others were done. */
  readonly failed: readonly string[];
};

export interface Maintenance {
  /**
   * Makes partitions ahead and removes what is old, a bounded amount each time: call it every minute.
   * @returns null when another process is at it.
   */
  run(): Promise<MaintenanceReport | null>;
  /**
   * Writes down that the slot is gone or lost: it will be another one when it comes back, perhaps within seconds and made
   * by others, and what the first had not confirmed must be published again. Call it as soon as the gauge says so.
   */
  noticeLostSlot(): Promise<void>;
}

export type OutboxState = {
  /** Age of the oldest row that the slot has not confirmed, within a second or so; 0 when there is none. */
  readonly oldestAgeSeconds: number;
  /** WAL that the slot holds back, in bytes. */
  readonly slotLagBytes: number;
  /** false: it is gone or lost, and nothing is published; or Debezium made another one, which does not know all that there is. */
  readonly slotExists: boolean;
  /** Postgres gave it up, since it held back more WAL than `max_slot_wal_keep_size`: run `millrace republish`. */
  readonly slotLost: boolean;
  /** It was confirmed at least once since it was made. */
  readonly confirmed: boolean;
  readonly rowsInDefault: boolean;
  /** A slot was made anew and rows from before it are not published again yet. */
  readonly republishPending: boolean;
};

export interface OutboxGauge {
  /** Call it every second or so: each call is a sample that later ones are measured by. */
  read(): Promise<OutboxState>;
}
