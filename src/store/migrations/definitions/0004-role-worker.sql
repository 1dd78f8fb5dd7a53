-- Up Migration

-- A worker's key gets inputs of tasks and gives outputs, and may do nothing else.
ALTER TABLE api_key DROP CONSTRAINT api_key_role_check,
  ADD CONSTRAINT api_key_role_check CHECK (role IN ('admin', 'operator', 'user', 'viewer', 'worker'));
