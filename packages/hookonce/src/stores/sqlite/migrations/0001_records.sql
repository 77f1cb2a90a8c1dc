-- One row. token_floor: new fencing tokens are above it; it rises when a record is removed. checked_at: written by
-- `ready`, to prove that writes work.
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  token_floor INTEGER NOT NULL,
  checked_at INTEGER NOT NULL
) STRICT;

INSERT INTO meta (id, token_floor, checked_at) VALUES (1, 0, 0);

-- Times are milliseconds since the epoch. The id rises with each record, so that it orders the list and new rows share
-- pages: WITHOUT ROWID twice as many bytes would be written. Without the index on expiry a purge would read the table.
CREATE TABLE records (
  id INTEGER PRIMARY KEY,
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
  last_error TEXT,
  result BLOB,
  UNIQUE (scope, key)
) STRICT;

CREATE INDEX records_by_expiry ON records (expires_at);
