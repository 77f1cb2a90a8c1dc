// Generated from sql/ and migrations/ by scripts/generate-sql.mjs. Do not edit.

export const sql = {
  accept: `INSERT INTO records (
  id, hash, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, expires_at, lock_ttl_ms, retention_ms, due_at, grp, held, round, earlier_attempts, delivery,
  label
) VALUES (
  ?10, ?1, ?2, ?3, 'pending', ?4, 0, 0, ?5, 0, ?6, ?6,
  ?6, 8640000000000000, 0, ?7, ?8, ?9,
  EXISTS (SELECT 1 FROM records WHERE scope = ?2 AND grp = ?9 AND due_at IS NOT NULL), 1, 0, ?11,
  ?12
)`,
  backlog: `SELECT
  (SELECT count(*) FROM (SELECT 1 FROM records WHERE scope = ? AND held = 0 AND due_at IS NOT NULL LIMIT ?)) AS queued,
  (SELECT due_at FROM records WHERE scope = ? AND held = 0 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS first_due`,
  bury: `UPDATE records SET
  state = 'dead', losses = ?, last_error = ?, settled_at = ?, expires_at = ? + retention_ms, due_at = NULL
WHERE id = ?`,
  check: `UPDATE meta SET checked_at = max(checked_at + 1, ?) WHERE id = 1`,
  completeAccepted: `UPDATE records SET state = 'completed', result = ?1, settled_at = ?2, expires_at = ?2 + retention_ms, due_at = NULL
WHERE hash = ?3 AND scope = ?4 AND key = ?5 AND state = 'running' AND lease_id = ?6 AND expires_at > ?2
  AND due_at IS NOT NULL`,
  complete: `UPDATE records SET state = 'completed', result = ?1, settled_at = ?2, expires_at = ?2 + retention_ms
WHERE hash = ?3 AND scope = ?4 AND key = ?5 AND state = 'running' AND lease_id = ?6 AND expires_at > ?2
  AND due_at IS NULL`,
  correctDueTimes: `UPDATE records SET
  due_at = ?1 + CASE
    WHEN state = 'running' THEN coalesce(lease_ms, lock_ttl_ms)
    WHEN state = 'failed' THEN due_at - settled_at
    ELSE 0
  END,
  settled_at = iif(state = 'failed', ?1, settled_at),
  lease_ends_at = iif(state = 'running', ?1 + coalesce(lease_ms, lock_ttl_ms), lease_ends_at)
WHERE id IN (
  SELECT id FROM records WHERE held = 0 AND due_at > ?1
  UNION ALL SELECT id FROM records WHERE held = 1 AND grp IS NOT NULL AND due_at IS NOT NULL
) AND CASE
  WHEN state = 'running' THEN lease_ends_at > ?1 + coalesce(lease_ms, lock_ttl_ms)
  WHEN state = 'failed' THEN settled_at > ?1
  WHEN round = 1 THEN created_at > ?1
  ELSE due_at > ?1
END`,
  countDead: `SELECT count(*) AS dead
FROM (SELECT scope, expires_at FROM records WHERE state = 'dead' LIMIT ?)
WHERE scope = ? AND expires_at > ?`,
  countExpired: `SELECT count(*) AS records FROM records
WHERE (expires_at, id) > (?, ?) AND expires_at <= ? AND expires_at < 8640000000000000`,
  count: `SELECT count(*) AS records FROM records WHERE (hash, id) > (?, ?)`,
  dead: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE state = 'dead' AND (created_at, id) < (?, ?) AND created_at >= ? AND expires_at > ? AND (? IS NULL OR scope = ?)
ORDER BY created_at DESC, id DESC
LIMIT ?`,
  delivery: `SELECT delivery FROM deliveries WHERE id = ?`,
  due: `SELECT
  id, key, state, attempts, losses, fencing_token, created_at, retention_ms, expires_at, grp, round, earlier_attempts,
  begun, delivery
FROM records WHERE scope = ? AND held = 0 AND due_at <= ? ORDER BY due_at LIMIT ?`,
  expired: `SELECT id, fencing_token FROM records WHERE expires_at <= ? AND expires_at < 8640000000000000 ORDER BY expires_at LIMIT ?`,
  fail: `UPDATE records SET
  state = iif(round IS NOT NULL AND ?3 IS NULL, 'dead', 'failed'),
  last_error = ?1,
  settled_at = ?2,
  expires_at = iif(round IS NOT NULL AND ?3 IS NOT NULL, 8640000000000000, ?2 + retention_ms),
  due_at = iif(round IS NULL, NULL, ?3),
  earlier_attempts = earlier_attempts + ?8
WHERE hash = ?4 AND scope = ?5 AND key = ?6 AND state = 'running' AND lease_id = ?7 AND expires_at > ?2
RETURNING id, attempts`,
  findEntry: `SELECT id, at, value FROM hookonce_journal WHERE list = ? AND id = ? AND expires_at > ?`,
  findSettled: `SELECT state, settled_at FROM records
WHERE hash = ? AND scope = ? AND key = ? AND lease_id = ? AND settled_at IS NOT NULL AND expires_at > ?`,
  find: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, lease_ends_at, settled_at,
  expires_at, result, grp, round, coalesce(lease_ms, lock_ttl_ms) AS lease_ms, begun
FROM records WHERE hash = ? LIMIT 1 OFFSET ?`,
  get: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label, result, delivery, attempt, outcome,
  earlier
FROM records LEFT JOIN hookonce_histories USING (id)
WHERE hash = ? AND scope = ? AND key = ? AND expires_at > ?`,
  guardTable: `CREATE TEMP TABLE hookonce_guard (
  id INTEGER PRIMARY KEY,
  until INTEGER NOT NULL REFERENCES hookonce_guard (id) DEFERRABLE INITIALLY DEFERRED
) STRICT`,
  holdNext: `UPDATE records SET held = 1 WHERE id = (
  SELECT id FROM records WHERE scope = ? AND grp = ? AND due_at IS NOT NULL AND id > ? ORDER BY id LIMIT 1
)`,
  idRange: `SELECT (SELECT min(id) FROM records) AS first, (SELECT max(id) FROM records) AS last`,
  insertDelivery: `INSERT INTO deliveries (id, delivery) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM records), ?)`,
  insert: `INSERT INTO records (
  hash, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, expires_at, lock_ttl_ms, retention_ms, label, lease_ms
) VALUES (?1, ?2, ?3, 'running', ?4, 1, 0, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?8 - ?7)`,
  keepEarlier: `INSERT INTO hookonce_histories (id, earlier) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET earlier = excluded.earlier`,
  keepOutcome: `INSERT INTO hookonce_histories (id, attempt, outcome) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET attempt = excluded.attempt, outcome = excluded.outcome`,
  lastAttempt: `SELECT state, attempts, lease_id, fencing_token, claimed_at, settled_at, attempt, outcome, earlier
FROM records LEFT JOIN hookonce_histories USING (id) WHERE id = ?`,
  layGuard: `INSERT INTO temp.hookonce_guard (id, until) VALUES (1, 2)`,
  learnLabel: `UPDATE records SET label = ? WHERE id = ? AND label IS NULL`,
  liftGuard: `DELETE FROM temp.hookonce_guard`,
  listAccepted: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE round IS NOT NULL AND (created_at, id) < (?, ?) AND (created_at, id) >= (?, ?) AND expires_at > ?
  AND (? IS NULL OR scope = ?) AND (? IS NULL OR state = ?)
ORDER BY created_at DESC, id DESC
LIMIT ?`,
  listLabelled: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE label = ? AND (? = 0 OR round IS NOT NULL) AND (created_at, id) < (?, ?) AND (created_at, id) >= (?, ?)
  AND expires_at > ? AND (? IS NULL OR scope = ?) AND (? IS NULL OR state = ?)
ORDER BY created_at DESC, id DESC
LIMIT ?`,
  listLeased: `SELECT
  id, key, state, attempts, losses, fencing_token, created_at, retention_ms, expires_at, due_at, grp, round,
  earlier_attempts, delivery
FROM records WHERE scope = ? AND held = 0 AND due_at > ? AND state = 'running' AND lease_id = ? ORDER BY due_at`,
  list: `SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE id < ? AND id >= ? AND expires_at > ? AND (? IS NULL OR scope = ?) AND (? IS NULL OR state = ?)
ORDER BY id DESC
LIMIT ?`,
  makeDue: `UPDATE records SET due_at = min(due_at, ?) WHERE id = ?`,
  newest: `SELECT max(created_at, claimed_at, coalesce(settled_at, 0)) AS at FROM records ORDER BY id DESC LIMIT 1`,
  now: `SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) AS now`,
  raiseFloor: `UPDATE meta SET token_floor = max(token_floor, ?) WHERE id = 1`,
  readEntries: `SELECT id, at, value FROM hookonce_journal
WHERE list = ? AND expires_at > ? AND at >= ? AND (at, id) < (?, ?)
ORDER BY at DESC, id DESC LIMIT ?`,
  redrive: `UPDATE records SET
  state = 'pending', losses = 0, settled_at = NULL, expires_at = 8640000000000000, result = NULL, due_at = ?1,
  round = round + 1, earlier_attempts = attempts,
  held = EXISTS (
    SELECT 1 FROM records AS earlier
    WHERE earlier.scope = records.scope AND earlier.grp = records.grp AND earlier.due_at IS NOT NULL
      AND earlier.id < records.id
  )
WHERE id = ?2`,
  removeEntry: `DELETE FROM hookonce_journal WHERE list = ? AND id = ? AND expires_at > ?`,
  removeExpiredEntries: `DELETE FROM hookonce_journal WHERE rowid IN (
  SELECT rowid FROM hookonce_journal WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
)`,
  remove: `DELETE FROM records WHERE id = ?`,
  renew: `UPDATE records SET
  lease_ends_at = min(?1 + ?2, claimed_at + lock_ttl_ms),
  expires_at =
    iif(round IS NULL, min(?1 + ?2, claimed_at + lock_ttl_ms) + max(lock_ttl_ms, retention_ms), 8640000000000000),
  due_at = iif(round IS NULL, NULL, min(?1 + ?2, claimed_at + lock_ttl_ms)),
  lease_ms = ?2, begun = 1
WHERE hash = ?3 AND scope = ?4 AND key = ?5 AND state = 'running' AND lease_id = ?6 AND lease_ends_at > ?1`,
  scanEndAccepted: `SELECT created_at, id FROM records
WHERE round IS NOT NULL AND (created_at, id) < (?, ?) AND created_at >= ?
ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`,
  scanEndLabelled: `SELECT created_at, id FROM records
WHERE label = ? AND (created_at, id) < (?, ?) AND created_at >= ?
ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`,
  scanEnd: `SELECT min(id) AS lowest FROM (SELECT id FROM records WHERE id < ? ORDER BY id DESC LIMIT ?)`,
  shortenLease: `UPDATE records SET
  lease_ends_at = ?1,
  expires_at = iif(round IS NULL, ?1 + max(lock_ttl_ms, retention_ms), expires_at),
  due_at = iif(round IS NULL, NULL, ?1)
WHERE id = ?2`,
  size: `SELECT p.page_count AS pages, f.freelist_count AS free, s.page_size
FROM pragma_page_count AS p, pragma_freelist_count AS f, pragma_page_size AS s`,
  skipExpired: `SELECT expires_at, id FROM records
WHERE (expires_at, id) > (?, ?) AND expires_at <= ? AND expires_at < 8640000000000000
ORDER BY expires_at, id LIMIT 1 OFFSET ?`,
  skip: `SELECT hash, id FROM records WHERE (hash, id) > (?, ?) ORDER BY hash, id LIMIT 1 OFFSET ?`,
  takeOver: `UPDATE records SET
  state = 'running', fingerprint = coalesce(fingerprint, ?1), attempts = attempts + 1, losses = ?2,
  last_error = coalesce(?3, last_error), lease_id = ?4,
  fencing_token = ?5, claimed_at = ?6, lease_ends_at = ?7, settled_at = NULL, expires_at = ?8, lock_ttl_ms = ?9,
  retention_ms = ?10, due_at = ?11, earlier_attempts = earlier_attempts + ?12, lease_ms = ?7 - ?6, begun = ?13
WHERE id = ?14`,
  tokenFloor: `SELECT token_floor FROM meta WHERE id = 1`,
  trimEntries: `DELETE FROM hookonce_journal WHERE list = ? AND rowid IN (
  SELECT rowid FROM hookonce_journal WHERE list = ? AND expires_at > ? ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?
)`,
  usage: `SELECT count(*) AS seen, max(id) AS last, count(bytes) AS records, total(bytes) AS bytes
FROM (
  SELECT id, CASE WHEN scope = ?1 AND expires_at > ?2 THEN
    200 + length(scope) + length(key) + length(coalesce(fingerprint, '')) + length(coalesce(last_error, ''))
      + coalesce(length(result), 0)
      + coalesce(length(delivery), (SELECT length(d.delivery) FROM deliveries d WHERE d.id = records.id), 0)
  END AS bytes
  FROM records WHERE id >= ?3 AND id < ?4 ORDER BY id LIMIT ?5
)`,
  writeEntry: `INSERT INTO hookonce_journal (list, id, at, expires_at, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (list, id) DO UPDATE SET at = excluded.at, expires_at = excluded.expires_at, value = excluded.value`,
} as const

export const migrations: readonly string[] = [
  `-- One row. token_floor: new fencing tokens are above it; it rises when a record is removed. checked_at: written by
-- \`ready\`, to prove that writes work.
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

CREATE INDEX records_by_expiry ON records (expires_at);`,
  `-- The secret of this file's hashes.
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
END;`,
  `-- A queued record does not expire, so that accepting it and each step of its attempts leave this index alone.
DROP INDEX records_by_expiry;
CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at < 8640000000000000;

-- A small delivery is in its record, so that one row is written and read. Large ones, and those of earlier versions, are
-- in \`deliveries\`. It is the last column, so that the others are read without it.
ALTER TABLE records ADD COLUMN delivery BLOB;`,
  `-- Earlier versions work with this schema. The index has created_at, so that a list reads one label in order.
ALTER TABLE records ADD COLUMN label TEXT;
CREATE INDEX records_by_label ON records (label, created_at) WHERE label IS NOT NULL;`,
  `-- Earlier versions work with this schema.
-- lease_ms: the full length of the lease, as of its claim or last renewal; NULL: written by an earlier version.
-- begun: 0 while the running attempt, claimed from the queue, has not renewed its lease and may not have begun.
ALTER TABLE records ADD COLUMN lease_ms INTEGER;
ALTER TABLE records ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;

-- The number of migrations that a version of hookonce must know to open the file. Only a migration that removes what
-- earlier versions need raises it, so that they may run beside a later version or replace it.
ALTER TABLE meta ADD COLUMN least_version INTEGER NOT NULL DEFAULT 0;`,
  `-- Earlier versions work with this schema. What a record keeps of its attempts, once one of them failed or another followed
-- it. A table of its own, because SQLite reads all rows of a STRICT table that gets a column.
-- id: its record's. attempt: the number of the one that \`outcome\` is of. Earlier versions fail attempts without a word.
-- earlier: a line for each attempt before the last one, oldest first.
CREATE TABLE hookonce_histories (
  id INTEGER PRIMARY KEY,
  attempt INTEGER,
  outcome TEXT,
  earlier TEXT
) STRICT;

-- Whoever removes a record: the next one may get its id.
CREATE TRIGGER hookonce_history_removed AFTER DELETE ON records
BEGIN
  DELETE FROM hookonce_histories WHERE id = old.id;
END;`,
  `-- Earlier versions work with this schema. What operators look at beside the records, see \`stores/journal.ts\`.
CREATE TABLE hookonce_journal (
  list TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (list, id)
) STRICT;

CREATE INDEX hookonce_journal_newest ON hookonce_journal (list, at DESC, id DESC);
CREATE INDEX hookonce_journal_expired ON hookonce_journal (expires_at);`,
]
