// Generated from sql/ and migrations/ by scripts/generate-sql.mjs. Do not edit.

export const sql = {
  check: `UPDATE meta SET checked_at = max(checked_at + 1, ?) WHERE id = 1`,
  complete: `UPDATE records SET state = 'completed', result = ?, settled_at = ?, expires_at = ? + retention_ms
WHERE scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND expires_at > ?`,
  count: `SELECT count(*) AS records FROM records WHERE (expires_at, id) > (?, ?)`,
  expired: `SELECT id, fencing_token FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`,
  fail: `UPDATE records SET state = 'failed', last_error = ?, settled_at = ?, expires_at = ? + retention_ms
WHERE scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND expires_at > ?`,
  find: `SELECT
  id, state, fingerprint, attempts, losses, lease_id, fencing_token, lease_ends_at, settled_at, expires_at, result
FROM records WHERE scope = ? AND key = ?`,
  get: `SELECT * FROM records WHERE scope = ? AND key = ? AND expires_at > ?`,
  guardTable: `CREATE TEMP TABLE hookonce_guard (
  id INTEGER PRIMARY KEY,
  until INTEGER NOT NULL REFERENCES hookonce_guard (id) DEFERRABLE INITIALLY DEFERRED
) STRICT`,
  insert: `INSERT OR REPLACE INTO records (
  scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  expires_at, lock_ttl_ms, retention_ms
) VALUES (?, ?, 'running', ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?)`,
  layGuard: `INSERT INTO temp.hookonce_guard (id, until) VALUES (1, 2)`,
  liftGuard: `DELETE FROM temp.hookonce_guard`,
  list: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error
FROM records
WHERE id < ? AND id >= ? AND expires_at > ? AND (? IS NULL OR scope = ?) AND (? IS NULL OR state = ?)
ORDER BY id DESC
LIMIT ?`,
  now: `SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) AS now`,
  raiseFloor: `UPDATE meta SET token_floor = max(token_floor, ?) WHERE id = 1`,
  remove: `DELETE FROM records WHERE id = ?`,
  renew: `UPDATE records SET
  lease_ends_at = min(?, claimed_at + lock_ttl_ms),
  expires_at = min(?, claimed_at + lock_ttl_ms) + max(lock_ttl_ms, retention_ms)
WHERE scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND lease_ends_at > ?`,
  settled: `SELECT settled_at FROM records
WHERE scope = ? AND key = ? AND lease_id = ? AND state = ? AND expires_at > ?`,
  size: `SELECT p.page_count AS pages, f.freelist_count AS free, s.page_size
FROM pragma_page_count AS p, pragma_freelist_count AS f, pragma_page_size AS s`,
  skip: `SELECT expires_at, id FROM records WHERE (expires_at, id) > (?, ?) ORDER BY expires_at, id LIMIT 1 OFFSET ?`,
  stretch: `SELECT min(id) AS lowest FROM (SELECT id FROM records WHERE id < ? ORDER BY id DESC LIMIT ?)`,
  takeOver: `UPDATE records SET
  state = 'running', fingerprint = coalesce(fingerprint, ?), attempts = attempts + 1, losses = ?, lease_id = ?,
  fencing_token = ?, claimed_at = ?, lease_ends_at = ?, settled_at = NULL, expires_at = ?, lock_ttl_ms = ?,
  retention_ms = ?
WHERE id = ?`,
  tokenFloor: `SELECT token_floor FROM meta WHERE id = 1`,
} as const

export const migrations: readonly string[] = [
  `-- One row. token_floor: no fencing token issued from now on is at or below it; raised when a row leaves the table.
-- checked_at: what \`ready\` writes, to prove that writing works.
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  token_floor INTEGER NOT NULL,
  checked_at INTEGER NOT NULL
) STRICT;

INSERT INTO meta (id, token_floor, checked_at) VALUES (1, 0, 0);

-- Times are milliseconds since the epoch. The id rises with every record created, so it is the order of the list, and
-- new rows lie together: measured at 300,000 records, a claim and its completion write 14 KB. WITHOUT ROWID, with the
-- index on created_at that the list would then need, they write 30 KB. The index on expiry costs 0.8 KB of the 14;
-- without it a purge would read the whole table.
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

CREATE INDEX records_by_expiry ON records (expires_at);`,
]
