-- Up Migration
-- What tells a slot from one that Debezium made in its place when it was gone: ours is made with `failover` (Postgres 17 and
-- later), Debezium's without. NULL: not known, or a server that has no such slots.
ALTER TABLE outbox_slot ADD COLUMN failover boolean;

-- Which wait the event went to: only a refusal by that one takes it back. NULL: delivered before this migration.
ALTER TABLE event_delivery ADD COLUMN path text, ADD COLUMN attempt integer;
