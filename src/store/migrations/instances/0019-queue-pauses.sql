-- Up Migration
-- Each pause of a queue, those that are over too: the timers of tasks that waited meanwhile are later by as long.
CREATE TABLE queue_pause (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- 'http': the tasks of http nodes.
  queue text NOT NULL,
  paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  paused_by text NOT NULL,
  reason text,
  -- NULL: the queue is paused.
  resumed_at timestamptz,
  resumed_by text
);
CREATE UNIQUE INDEX queue_pause_queue_key ON queue_pause (queue) WHERE resumed_at IS NULL;
CREATE INDEX queue_pause_queue_resumed_at_idx ON queue_pause (queue, resumed_at);

-- Since when a timer runs, and when it would have been due if its queue had not been paused (NULL: its queue was not, as far as is known).
ALTER TABLE timer
  ADD COLUMN armed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN original_due_at timestamptz;
