/** Maintenance of the instance database, and how far its outbox is published: the ports. */

/** How long what has ended is kept. */
export type Retention = {
  /** Jobs that are done or cancelled, with the results of their commands. */
  readonly jobsMs: number;
  /** Instances, since their end; children for `ENDED_CHILD_MS_MIN` at least. null: for ever. */
  readonly instancesMs: number | null;
};

export type MaintenanceReport = {
  readonly partitionsMade: number;
  readonly partitionsDetached: number;
  readonly partitionsDropped: number;
  /** Rows fell into the default partition, since none was made for their hour: an alarm. */
  readonly rowsInDefault: boolean;
  /** Rows that were deleted because they are old, by table. */
  readonly deleted: { readonly [table: string]: number };
  /** Steps that failed this time; the others were done. */
  readonly failed: readonly string[];
};

export interface Maintenance {
  /**
   * Makes partitions ahead and removes old rows, a bounded amount each time: call it every minute.
   * @returns null when another process is doing it.
   */
  run(): Promise<MaintenanceReport | null>;
  /**
   * Records that the slot is gone or lost. If there is a slot again later, perhaps within seconds and made by Debezium, it is
   * another one, and what the first had not confirmed must be published again. Call it as soon as the gauge says so.
   */
  noticeLostSlot(): Promise<void>;
}

export type OutboxState = {
  /** Age of the oldest row that the slot has not confirmed, within a second or so; 0 when there is none. */
  readonly oldestAgeSeconds: number;
  /** WAL that the slot holds back, in bytes. */
  readonly slotLagBytes: number;
  /** false: the slot is gone or lost, and nothing is published; or Debezium made another one, which lacks the rows before it. */
  readonly slotExists: boolean;
  /** Postgres invalidated the slot, since it held back more WAL than `max_slot_wal_keep_size`: run `millrace republish`. */
  readonly slotLost: boolean;
  /** It was confirmed at least once since it was made. */
  readonly confirmed: boolean;
  readonly rowsInDefault: boolean;
  /** A slot was made anew and rows from before it are not published again yet. */
  readonly republishPending: boolean;
  readonly probe: ProbeState;
};

/** What is known of the probes: messages that must come back from Kafka. */
export type ProbeState =
  /** No orchestrator has sent one yet. */
  | { readonly status: 'unsent' }
  | { readonly status: 'cameBack'; readonly roundTripSeconds: number }
  /**
   * `waitingSeconds`: since the first probe that has not come back was sent. `roundTripSeconds`: of the last that came back; null:
   * none did.
   */
  | { readonly status: 'waiting'; readonly waitingSeconds: number; readonly roundTripSeconds: number | null };

export interface OutboxProbes {
  /**
   * Writes a probe to the outbox, unless some process wrote one less than the interval ago. While one has not come back, the next
   * is sent only after `patienceMs`, in place of one that may be lost.
   */
  send(topic: string, times: { readonly intervalMs: number; readonly patienceMs: number }): Promise<void>;
  /**
   * The record of a probe was read. A repeat, or the record of an older probe, changes nothing.
   * @returns whether it is the last one: false also while the commit of the one that sent it cannot be seen.
   */
  cameBack(id: string): Promise<boolean>;
}

export interface OutboxGauge {
  /** Call it every second or so: each call is a sample that later ones are measured by. */
  read(): Promise<OutboxState>;
}
