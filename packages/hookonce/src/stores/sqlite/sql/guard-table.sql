-- The guard of an open transaction is a row that violates a deferred constraint, so that a COMMIT fails while it exists.
-- The table is visible to one connection.
CREATE TEMP TABLE hookonce_guard (
  id INTEGER PRIMARY KEY,
  until INTEGER NOT NULL REFERENCES hookonce_guard (id) DEFERRABLE INITIALLY DEFERRED
) STRICT
