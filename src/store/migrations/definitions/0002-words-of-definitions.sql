-- Up Migration

-- For lists: the document holds them too, but its functions fail at any \u0000 in it. Null in versions of before.
ALTER TABLE definition_version ADD COLUMN title text, ADD COLUMN description text, ADD COLUMN labels json;
