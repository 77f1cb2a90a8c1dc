-- The secret of this file's hashes.
ALTER TABLE meta ADD COLUMN hash_key INTEGER NOT NULL DEFAULT 0;
UPDATE meta SET hash_key = random() & 0x1fffffffffffff;

-- Records are found by a hash of scope and key, whose index is a quarter of the size of one on the texts. The index is
-- not UNIQUE, because two keys may share a hash: statements compare scope and key too, and a record is inserted in a
-- transaction that has the write lock and has found none.
--
-- A queue entry is the record itself, so that accepting, claiming and settling it are one write each. A record that was
-- not accepted has NULL in the columns from due_at to earlier_attempts, and is in the first two indexes only.
-- due_at: NULL once the record is completed or dead. held: 1 while an earlier record of its group is in the queue, so
-- that the next due record is found in one step however long the groups are.
CREATE TABLE records_anew (
  id INTEGER PRIMARY KEY,
  hash INTEGER NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  state TEXT NOT NULL,
  fingerprint TEXT,
  attempts INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  lease_id TEXT NOT NULL,
  fencing_token INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL,
  lease_ends_at INTEGER NOT NULL,
  settled_at INTEGER,
  expires_at INTEGER NOT NULL,
  lock_ttl_ms INTEGER NOT NULL,
  retention_ms INTEGER NOT NULL,
  due_at INTEGER,
  grp TEXT,
  held INTEGER,
  round INTEGER,
  earlier_attempts INTEGER,
  last_error TEXT,
  result BLOB
) STRICT;

INSERT INTO records_anew (
  id, hash, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, last_error, result
)
SELECT
  id, hookonce_hash(scope, key), scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at,
  claimed_at, lease_ends_at, settled_at, expires_at, lock_ttl_ms, retention_ms, last_error, result
FROM records;

DROP TABLE records;
ALTER TABLE records_anew RENAME TO records;
CREATE INDEX records_by_hash ON records (hash);
CREATE INDEX records_by_expiry ON records (expires_at);

-- Not in the record, because each step of an attempt writes the record again.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  delivery BLOB NOT NULL
) STRICT;

CREATE INDEX records_due ON records (scope, due_at) WHERE held = 0 AND due_at IS NOT NULL;
CREATE INDEX records_in_line ON records (scope, grp) WHERE grp IS NOT NULL AND due_at IS NOT NULL;

-- For lists.
CREATE INDEX records_accepted ON records (created_at) WHERE round IS NOT NULL;
CREATE INDEX records_dead ON records (created_at) WHERE state = 'dead';

-- However a record leaves the queue, the next of its group is not held any more.
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
