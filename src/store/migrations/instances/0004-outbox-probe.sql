-- Up Migration
-- The last probe: a row of the outbox that must come back as a record of Kafka. At most one row.
CREATE TABLE outbox_probe (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  id uuid NOT NULL,
  sent_at timestamptz NOT NULL,
  -- Since when none has come back; NULL: the last one has.
  waiting_since timestamptz,
  -- Of the last one that came back: from its row in the outbox to the write of this.
  round_trip interval
);
