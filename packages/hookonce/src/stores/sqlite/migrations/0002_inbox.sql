-- A queue entry is the record itself, so that accepting, taking and settling it are one write each. NULL in all of these
-- columns: a record that was only claimed; it is in none of the indexes below and costs what it did before.
-- due_at: NULL once it is settled for good. held: 1 while an earlier record of its group is in line; the first of a
-- group has 0, so that the next due record is found in one step however long the groups are.
ALTER TABLE records ADD COLUMN due_at INTEGER;
ALTER TABLE records ADD COLUMN grp TEXT;
ALTER TABLE records ADD COLUMN held INTEGER;
ALTER TABLE records ADD COLUMN round INTEGER;
ALTER TABLE records ADD COLUMN earlier_attempts INTEGER;

-- Apart from the record, which is written again at every step of an attempt.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  delivery BLOB NOT NULL
) STRICT;

CREATE INDEX records_due ON records (scope, due_at) WHERE held = 0 AND due_at IS NOT NULL;
CREATE INDEX records_in_line ON records (scope, grp) WHERE grp IS NOT NULL AND due_at IS NOT NULL;

-- For the list. Dead records are few and looked for among many.
CREATE INDEX records_accepted ON records (created_at) WHERE round IS NOT NULL;
CREATE INDEX records_dead ON records (created_at) WHERE state = 'dead';

-- Whichever way a record leaves the line, the next of its group is first.
CREATE TRIGGER record_settled AFTER UPDATE OF due_at ON records WHEN new.due_at IS NULL AND old.grp IS NOT NULL
BEGIN
  UPDATE records SET held = 0 WHERE id = (
    SELECT id FROM records WHERE scope = old.scope AND grp = old.grp AND due_at IS NOT NULL ORDER BY id LIMIT 1
  );
END;

CREATE TRIGGER record_removed AFTER DELETE ON records WHEN old.round IS NOT NULL
BEGIN
  DELETE FROM deliveries WHERE id = old.id;
  UPDATE records SET held = 0 WHERE id = (
    SELECT id FROM records WHERE scope = old.scope AND grp = old.grp AND due_at IS NOT NULL ORDER BY id LIMIT 1
  );
END;
