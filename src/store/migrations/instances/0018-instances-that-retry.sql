-- Up Migration
-- Instances with an attempt that comes by itself, to search for them. It holds those alone, so it is read from its end however many other
-- timers there are; a timer's kind never changes.
CREATE INDEX timer_retry_instance_id_idx ON timer (instance_id) WHERE kind = 'retry';
