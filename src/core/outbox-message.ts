/** A row of the outbox: Debezium makes it a record as it is. */
export type OutboxMessage = {
  readonly topic: string;
  readonly key: string;
  /** Name of the Avro record, for metrics and people. */
  readonly messageType: string;
  /** null: Kafka's partitioner places it (`<prefix>.events` and other event topics only). */
  readonly partition: number | null;
  /** Framed Avro. */
  readonly payload: Buffer;
};
