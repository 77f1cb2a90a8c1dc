-- Where the guard of an open transaction is laid: a row that breaks a deferred constraint, so that no COMMIT goes
-- through while it is there. Known to one connection only.
CREATE TEMP TABLE hookonce_guard (
  id INTEGER PRIMARY KEY,
  until INTEGER NOT NULL REFERENCES hookonce_guard (id) DEFERRABLE INITIALLY DEFERRED
) STRICT
