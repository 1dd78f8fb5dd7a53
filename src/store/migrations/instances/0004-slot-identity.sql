-- Up Migration
-- What tells a slot from one that Debezium made in its place when it was gone: ours is made with `failover` (Postgres 17 and
-- later), Debezium's without. NULL: not known, or a server that has no such slots.
ALTER TABLE outbox_slot ADD COLUMN failover boolean;
