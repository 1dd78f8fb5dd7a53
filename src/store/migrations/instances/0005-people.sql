-- Up Migration
-- Tasks that several people decide.

-- { atLeast, of, notBy }; NULL: the first person who completes the task decides.
ALTER TABLE human_task ADD COLUMN approvals json;
-- Those who have voted, and those who may not decide: the task is not theirs to do.
ALTER TABLE human_task ADD COLUMN voters text[] NOT NULL DEFAULT '{}';
ALTER TABLE human_task ADD COLUMN excluded text[] NOT NULL DEFAULT '{}';

-- A second vote of the same person on the same attempt conflicts here, as a second completion does in its own index. A refused
-- vote leaves the person free to vote again.
CREATE UNIQUE INDEX command_instance_id_path_attempt_issued_by_key ON command (instance_id, path, attempt, issued_by)
  WHERE type = 'voteTask' AND status IN ('pending', 'applied');
