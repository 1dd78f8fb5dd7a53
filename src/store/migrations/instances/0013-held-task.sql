-- Up Migration

-- The open task that a worker goes on with by itself, as [path, attempt, basis]; NULL: none. It changes at each step of such an
-- instance, with the columns that each step writes, so no index may know it.
ALTER TABLE instance ADD COLUMN held text;
