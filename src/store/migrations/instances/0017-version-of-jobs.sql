-- Up Migration
-- Of a job that moves instances to another version of their definition: that version. NULL for every other job.
ALTER TABLE job ADD COLUMN to_version integer;
