// Generated from sql/ and migrations/ by scripts/generate-sql.mjs. Do not edit.

export const sql = {
  acceptExpired: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  id = (SELECT nextval('hookonce.record_ids') FROM hookonce.lock_group($1, $8)), state = 'pending', fingerprint = $4,
  attempts = 0, losses = 0, lease_id = $5,
  fencing_token = greatest(fencing_token + 1, hookonce.now_us()), created_at = hookonce.now_ms(),
  claimed_at = hookonce.now_ms(), lease_ends_at = hookonce.now_ms(), settled_at = NULL, expires_at = 8640000000000000,
  lock_ttl_ms = 0, retention_ms = $6::bigint, last_error = NULL, result = NULL,
  due_at = hookonce.now_ms() + $7::bigint, grp = $8::text, blocked = $8::text IS NOT NULL, round = 1, earlier_attempts = 0,
  dead_until = NULL, label = $9, delivery = $10::bytea,
  outcome = NULL, outcome_token = NULL, history = NULL, history_id = NULL
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND fencing_token = $3::bigint AND expires_at <= hookonce.now_ms()
RETURNING created_at, CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END`,
  accept: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
input AS MATERIALIZED (
  SELECT $1::text[] AS scopes, $2::text[] AS keys, $3::text[] AS fingerprints, $4::text[] AS accept_ids,
    $5::bigint[] AS retentions, $6::bigint[] AS delays, $7::text[] AS groups, $8::text[] AS labels,
    $9::integer[] AS starts, $10::integer[] AS lengths
),
requested AS MATERIALIZED (
  SELECT a.scope, a.key, a.fingerprint, a.accept_id, a.retention_ms, a.delay_ms, a.grp, a.label, a.start, a.length, a.n
  FROM input, unnest(scopes, keys, fingerprints, accept_ids, retentions, delays, groups, labels, starts, lengths)
    WITH ORDINALITY AS a (scope, key, fingerprint, accept_id, retention_ms, delay_ms, grp, label, start, length, n)
),
locked AS MATERIALIZED (
  SELECT hookonce.lock_group(scope, grp)
  FROM lock_timeout, (
    SELECT DISTINCT scope COLLATE "C" AS scope, grp COLLATE "C" AS grp FROM requested
    WHERE grp IS NOT NULL
      AND NOT EXISTS (SELECT FROM hookonce.records r WHERE r.scope = requested.scope AND r.key = requested.key)
    ORDER BY grp, scope
  ) AS g
),
inserted AS (
  INSERT INTO hookonce.records (
    scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
    expires_at, lock_ttl_ms, retention_ms, due_at, grp, blocked, round, label, delivery
  )
  SELECT scope, key, 'pending', fingerprint, 0, 0, accept_id, greatest(token_floor + 1, hookonce.now_us()),
    hookonce.now_ms(), hookonce.now_ms(), hookonce.now_ms(), 8640000000000000, 0, retention_ms,
    hookonce.now_ms() + delay_ms, grp, grp IS NOT NULL, 1, label,
    substring($11::bytea FROM start FOR length)
  FROM requested, hookonce.meta, lock_timeout, (SELECT count(*) FROM locked) AS l WHERE meta.id = 1
  ORDER BY scope COLLATE "C", key COLLATE "C"
  ON CONFLICT (scope, key) DO NOTHING
  RETURNING scope, key, grp, created_at
),
accepted AS MATERIALIZED (
  SELECT i.*, CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END
  FROM (SELECT * FROM inserted ORDER BY grp, scope) AS i
)
SELECT a.n, true, false, 'pending', NULL, 0, NULL, 0, i.created_at
FROM requested a JOIN accepted i ON i.scope = a.scope AND i.key = a.key
UNION ALL
SELECT a.n, false, r.expires_at <= hookonce.now_ms(), r.state, r.fingerprint, r.attempts, r.lease_id, r.fencing_token,
  r.created_at
FROM requested a JOIN hookonce.records r ON r.scope = a.scope AND r.key = a.key
WHERE NOT EXISTS (SELECT FROM inserted i WHERE i.scope = a.scope AND i.key = a.key)`,
  announce: `SELECT pg_notify('hookonce.records', json_build_array($1::text)::text)`,
  backlog: `SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM hookonce.records WHERE scope = $1 AND due_at IS NOT NULL AND NOT blocked LIMIT $2
  ) AS counted) AS in_line,
  hookonce.now_ms() - (
    SELECT due_at FROM hookonce.records WHERE scope = $1 AND due_at IS NOT NULL AND NOT blocked ORDER BY due_at LIMIT 1
  ) AS overdue_ms,
  (SELECT count(*) FROM (
    SELECT state, expires_at FROM hookonce.records WHERE scope = $1 AND dead_until > hookonce.now_ms() LIMIT $2
  ) AS died WHERE state = 'dead' AND expires_at > hookonce.now_ms()) AS dead`,
  check: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.meta SET checked_at = greatest(checked_at + 1, hookonce.now_ms()) FROM lock_timeout WHERE id = 1`,
  claimDue: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
due AS MATERIALIZED (
  SELECT ctid, id, due_at, state = 'running' AS runs
  FROM hookonce.records
  WHERE scope = $1 AND due_at <= hookonce.now_ms() AND NOT blocked
  ORDER BY due_at
  LIMIT $2::bigint
  FOR UPDATE SKIP LOCKED
),
claimed AS (
  UPDATE hookonce.records SET
    state = 'running', attempts = attempts + 1, losses = losses + (state = 'running' AND begun)::integer,
    earlier_attempts = earlier_attempts + (state = 'running' AND NOT begun)::integer, lease_id = $3,
    last_error = CASE
      WHEN state = 'running' THEN format('attempt %s was lost: its lease ended without a word', attempts)
      ELSE last_error
    END,
    fencing_token = greatest(fencing_token + 1, hookonce.now_us()), claimed_at = hookonce.now_ms(),
    lease_ends_at = hookonce.now_ms() + least($4::bigint, $5::bigint), settled_at = NULL, lock_ttl_ms = $5::bigint,
    due_at = hookonce.now_ms() + least($4::bigint, $5::bigint), lease_ms = least($4::bigint, $5::bigint), begun = false,
    history = hookonce.history_with_last(records),
    history_id = CASE WHEN state = 'pending' THEN history_id ELSE id END
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) AND losses + (state = 'running' AND begun)::integer < $6::integer
  RETURNING id, key, attempts, fencing_token, created_at, due_at, grp, round, earlier_attempts, delivery
),
died AS (
  UPDATE hookonce.records SET
    state = 'dead', losses = losses + (state = 'running' AND begun)::integer, last_error = $7, settled_at = hookonce.now_ms(),
    expires_at = hookonce.now_ms() + retention_ms, due_at = NULL, dead_until = hookonce.now_ms() + retention_ms,
    outcome = 'lost', outcome_token = fencing_token
  FROM lock_timeout
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) AND losses + (state = 'running' AND begun)::integer >= $6::integer
  RETURNING scope, key, grp, watched
),
notified AS MATERIALIZED (
  SELECT CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
    CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
  FROM (SELECT * FROM died ORDER BY grp) AS d
)
SELECT key, attempts, fencing_token, created_at, c.due_at, grp, round, earlier_attempts, delivery, d.runs, d.due_at AS since, id
FROM claimed c JOIN due d USING (id)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM notified
ORDER BY since, id`,
  claimExpired: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  id = nextval('hookonce.record_ids'), state = 'running', fingerprint = $4, attempts = 1, losses = 0, lease_id = $5,
  fencing_token = greatest(fencing_token + 1, hookonce.now_us()), created_at = hookonce.now_ms(),
  claimed_at = hookonce.now_ms(), lease_ends_at = hookonce.now_ms() + least($6::bigint, $7::bigint),
  settled_at = NULL,
  expires_at = hookonce.now_ms() + least($6::bigint, $7::bigint) + greatest($7::bigint, $8::bigint),
  lock_ttl_ms = $7::bigint, retention_ms = $8::bigint, last_error = NULL, result = NULL, grp = NULL, round = NULL,
  earlier_attempts = 0, dead_until = NULL, label = $9, delivery = NULL, lease_ms = least($6::bigint, $7::bigint), begun = true,
  outcome = NULL, outcome_token = NULL, history = NULL, history_id = NULL
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND fencing_token = $3::bigint AND expires_at <= hookonce.now_ms()
RETURNING attempts, fencing_token`,
  claim: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
input AS MATERIALIZED (
  SELECT $1::text[] AS scopes, $2::text[] AS keys, $3::text[] AS fingerprints, $4::text[] AS lease_ids,
    $5::bigint[] AS leases, $6::bigint[] AS lock_ttls, $7::bigint[] AS retentions,
    $8::text[] AS labels
),
requested AS MATERIALIZED (
  SELECT a.* FROM input, unnest(scopes, keys, fingerprints, lease_ids, leases, lock_ttls, retentions, labels)
    WITH ORDINALITY AS a (scope, key, fingerprint, lease_id, lease_ms, lock_ttl_ms, retention_ms, label, n)
),
inserted AS (
  INSERT INTO hookonce.records (
    scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
    expires_at, lock_ttl_ms, retention_ms, label, lease_ms
  )
  SELECT scope, key, 'running', fingerprint, 1, 0, lease_id, greatest(token_floor + 1, hookonce.now_us()),
    hookonce.now_ms(), hookonce.now_ms(), hookonce.now_ms() + least(lease_ms, lock_ttl_ms),
    hookonce.now_ms() + least(lease_ms, lock_ttl_ms) + greatest(lock_ttl_ms, retention_ms), lock_ttl_ms, retention_ms,
    label, least(lease_ms, lock_ttl_ms)
  FROM requested, hookonce.meta, lock_timeout WHERE meta.id = 1
  ORDER BY scope COLLATE "C", key COLLATE "C"
  ON CONFLICT (scope, key) DO NOTHING
  RETURNING scope, key, fencing_token
)
SELECT a.n, true, false, 'running', a.fingerprint, 1, 0, a.lease_id, i.fencing_token, 0, NULL::bigint, NULL::bytea,
  0, true
FROM requested a JOIN inserted i ON i.scope = a.scope AND i.key = a.key
UNION ALL
SELECT a.n, false, r.expires_at <= hookonce.now_ms(), r.state, r.fingerprint, r.attempts, r.losses, r.lease_id,
  r.fencing_token, r.lease_ends_at - hookonce.now_ms(), r.settled_at,
  CASE WHEN r.state = 'completed' AND r.expires_at > hookonce.now_ms() THEN r.result END,
  coalesce(r.lease_ms, r.lock_ttl_ms), r.begun
FROM requested a JOIN hookonce.records r ON r.scope = a.scope AND r.key = a.key
WHERE NOT EXISTS (SELECT FROM inserted i WHERE i.scope = a.scope AND i.key = a.key)`,
  commitOutcome: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', $3, true))
SELECT id, state, lease_id, settled_at FROM hookonce.records, lock_timeout WHERE scope = $1 AND key = $2
FOR UPDATE OF records`,
  complete: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
input AS MATERIALIZED (
  SELECT $1::text[] AS scopes, $2::text[] AS keys, $3::text[] AS lease_ids, $4::integer[] AS starts,
    $5::integer[] AS lengths, $6::bytea AS results
),
requested AS MATERIALIZED (
  SELECT a.scope, a.key, a.lease_id, a.n, substring(results FROM a.start FOR a.length) AS result
  FROM input, unnest(scopes, keys, lease_ids, starts, lengths)
    WITH ORDINALITY AS a (scope, key, lease_id, start, length, n)
),
completed AS (
  UPDATE hookonce.records r SET
    state = 'completed', result = a.result, settled_at = hookonce.now_ms(),
    expires_at = hookonce.now_ms() + retention_ms, due_at = NULL
  FROM requested a, lock_timeout
  WHERE r.scope = a.scope AND r.key = a.key AND r.state = 'running' AND r.lease_id = a.lease_id
    AND r.expires_at > hookonce.now_ms()
  RETURNING a.n, r.settled_at, r.watched, r.scope, r.key, r.grp
)
SELECT n, settled_at, CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
FROM (SELECT * FROM completed ORDER BY grp, scope) AS c`,
  correctDueTimes: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
last_check AS MATERIALIZED (SELECT checked_at FROM hookonce.meta WHERE id = 1),
corrected AS (
  UPDATE hookonce.records SET
    due_at = hookonce.now_ms() + CASE
      WHEN state = 'running' THEN coalesce(lease_ms, lock_ttl_ms)
      WHEN state = 'failed' THEN due_at - settled_at
      ELSE 0
    END,
    settled_at = CASE WHEN state = 'failed' THEN hookonce.now_ms() ELSE settled_at END,
    lease_ends_at = CASE
      WHEN state = 'running' THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)
      ELSE lease_ends_at
    END
  FROM lock_timeout
  WHERE (SELECT checked_at FROM last_check) > hookonce.now_ms() AND due_at > hookonce.now_ms() AND CASE
    WHEN state = 'running' THEN lease_ends_at > hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)
    WHEN state = 'failed' THEN settled_at > hookonce.now_ms()
    WHEN round = 1 THEN created_at > hookonce.now_ms()
    ELSE true
  END
)
UPDATE hookonce.meta SET checked_at = hookonce.now_ms() FROM lock_timeout WHERE id = 1`,
  delete: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  expires_at = 0, lock_ttl_ms = 0, retention_ms = 0, fingerprint = NULL, last_error = NULL, result = NULL,
  due_at = NULL, dead_until = NULL, label = NULL, delivery = NULL,
  outcome = NULL, outcome_token = NULL, history = NULL, history_id = NULL
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
  AND ($3::boolean OR state <> 'running' OR lease_ends_at <= hookonce.now_ms())
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END`,
  dropDeadIndex: `DROP INDEX CONCURRENTLY IF EXISTS hookonce.records_dead`,
  dropLabelsIndex: `DROP INDEX CONCURRENTLY IF EXISTS hookonce.records_by_label`,
  fail: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = CASE WHEN round IS NOT NULL AND $5::bigint IS NULL THEN 'dead' ELSE 'failed' END, last_error = $4,
  settled_at = hookonce.now_ms(),
  expires_at = CASE
    WHEN round IS NULL OR $5::bigint IS NULL THEN hookonce.now_ms() + retention_ms
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + $5::bigint END,
  dead_until = CASE WHEN round IS NOT NULL AND $5::bigint IS NULL THEN hookonce.now_ms() + retention_ms END,
  earlier_attempts = earlier_attempts + $6::boolean::integer,
  outcome = $7, outcome_token = fencing_token
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3 AND expires_at > hookonce.now_ms()
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END`,
  findAttempt: `SELECT id, state, settled_at FROM hookonce.records
WHERE scope = $1 AND key = $2 AND lease_id = $3 AND expires_at > hookonce.now_ms()`,
  findEntry: `SELECT id, at, value FROM hookonce.journal WHERE list = $1 AND id = $2 AND expires_at > hookonce.now_ms()`,
  findSettled: `SELECT settled_at FROM hookonce.records
WHERE scope = $1 AND key = $2 AND lease_id = $3 AND state = ANY ($4::text[]) AND expires_at > hookonce.now_ms()`,
  get: `SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label,
  CASE WHEN outcome_token = fencing_token THEN outcome END, CASE WHEN history_id = id THEN history END, result, delivery
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()`,
  indexDead: `CREATE INDEX CONCURRENTLY records_dead ON hookonce.records (scope, dead_until) WHERE dead_until IS NOT NULL`,
  indexLabels: `CREATE INDEX CONCURRENTLY records_by_label ON hookonce.records (label, created_at, id) WHERE label IS NOT NULL`,
  isLarge: `SELECT pg_relation_size('hookonce.records') > 67108864 AS is_large`,
  listAccepted: `SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label
FROM hookonce.records
WHERE round IS NOT NULL AND (created_at, id) < ($1::bigint, $2::bigint)
  AND (created_at, id) >= ($3::bigint, $4::bigint) AND expires_at > hookonce.now_ms()
  AND ($5::text IS NULL OR scope || '' = $5::text) AND ($6::text IS NULL OR state = $6::text)
ORDER BY created_at DESC, id DESC
LIMIT $7::bigint`,
  listLabelled: `SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label
FROM hookonce.records
WHERE label = $8 AND (NOT $9::boolean OR round IS NOT NULL) AND (created_at, id) < ($1::bigint, $2::bigint)
  AND (created_at, id) >= ($3::bigint, $4::bigint) AND expires_at > hookonce.now_ms()
  AND ($5::text IS NULL OR scope || '' = $5::text) AND ($6::text IS NULL OR state = $6::text)
ORDER BY created_at DESC, id DESC
LIMIT $7::bigint`,
  listLeased: `SELECT key, attempts, fencing_token, created_at, due_at, grp, round, earlier_attempts, delivery, false
FROM hookonce.records
WHERE scope = $1 AND due_at > hookonce.now_ms() AND NOT blocked AND state = 'running' AND lease_id = $2
ORDER BY due_at, id`,
  list: `SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label
FROM hookonce.records
WHERE id < $1::bigint AND id >= $2::bigint AND expires_at > hookonce.now_ms()
  AND ($3::text IS NULL OR scope || '' = $3::text) AND ($4::text IS NULL OR state = $4::text)
ORDER BY id DESC
LIMIT $5::bigint`,
  lockMigrations: `SELECT pg_advisory_xact_lock(hashtext('hookonce.migrations'))`,
  makeDue: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET due_at = least(due_at, hookonce.now_ms())
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND due_at IS NOT NULL AND state IN ('pending', 'failed')
RETURNING 1`,
  purge: `WITH due AS MATERIALIZED (
  SELECT ctid FROM hookonce.records
  WHERE due_at IS NULL AND claimed_at + retention_ms <= hookonce.now_ms() AND expires_at <= hookonce.now_ms()
    AND fencing_token < hookonce.now_us() - 10000000
  ORDER BY claimed_at + retention_ms
  LIMIT $1::bigint
  FOR UPDATE SKIP LOCKED
),
removed AS (
  DELETE FROM hookonce.records WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) RETURNING fencing_token
),
highest AS (SELECT max(fencing_token) AS token FROM removed),
raised AS (
  UPDATE hookonce.meta SET token_floor = h.token FROM highest h WHERE id = 1 AND token_floor < h.token
)
SELECT count(*) AS removed FROM removed`,
  readEntries: `SELECT id, at, value FROM hookonce.journal
WHERE list = $1 AND expires_at > hookonce.now_ms() AND at >= $2::bigint AND (at, id) < ($3::bigint, $4)
ORDER BY at DESC, id DESC LIMIT $5::bigint`,
  redrive: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = 'pending', losses = 0, settled_at = NULL, expires_at = 8640000000000000, result = NULL,
  due_at = hookonce.now_ms(), dead_until = NULL, blocked = grp IS NOT NULL, round = round + 1, earlier_attempts = attempts,
  history = hookonce.history_with_last(records), history_id = id
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND round IS NOT NULL AND due_at IS NULL AND (state = 'dead' OR $3) AND expires_at > hookonce.now_ms()
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END`,
  removeEntry: `DELETE FROM hookonce.journal WHERE list = $1 AND id = $2 RETURNING expires_at > hookonce.now_ms()`,
  renew: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  lease_ends_at = least(hookonce.now_ms() + $4::bigint, claimed_at + lock_ttl_ms),
  expires_at = CASE
    WHEN round IS NULL
      THEN least(hookonce.now_ms() + $4::bigint, claimed_at + lock_ttl_ms) + greatest(lock_ttl_ms, retention_ms)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN least(hookonce.now_ms() + $4::bigint, claimed_at + lock_ttl_ms) END,
  lease_ms = $4::bigint, begun = true
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3 AND lease_ends_at > hookonce.now_ms()
  AND expires_at > hookonce.now_ms()
RETURNING 1`,
  scanEndAccepted: `SELECT created_at, id FROM hookonce.records
WHERE round IS NOT NULL AND (created_at, id) < ($1::bigint, $2::bigint) AND created_at >= $3::bigint
ORDER BY created_at DESC, id DESC
OFFSET $4::bigint - 1 LIMIT 1`,
  scanEndLabelled: `SELECT created_at, id FROM hookonce.records
WHERE label = $5 AND (created_at, id) < ($1::bigint, $2::bigint) AND created_at >= $3::bigint
ORDER BY created_at DESC, id DESC
OFFSET $4::bigint - 1 LIMIT 1`,
  scanEnd: `SELECT min(id) AS lowest
FROM (SELECT id FROM hookonce.records WHERE id < $1::bigint AND id > 0 ORDER BY id DESC LIMIT $2::bigint) AS step`,
  schema: `SELECT current_setting('server_version_num')::integer, n.oid IS NOT NULL, c.oid IS NOT NULL
FROM (SELECT $1::name AS name) AS wanted
LEFT JOIN pg_namespace n ON n.nspname = wanted.name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'meta'`,
  shortenLease: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  lease_ends_at = hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms),
  expires_at = CASE
    WHEN round IS NULL
      THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms) + greatest(lock_ttl_ms, retention_ms)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms) END
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3
  AND lease_ends_at > hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)`,
  stats: `SELECT
  CASE
    WHEN pg_relation_size(c.oid) < 16777216
      THEN (SELECT count(*) FROM hookonce.records WHERE expires_at > hookonce.now_ms())
    ELSE c.reltuples::bigint
  END AS records,
  pg_total_relation_size(c.oid) AS bytes
FROM pg_class c WHERE c.oid = 'hookonce.records'::regclass`,
  status: `SELECT state = 'running' AND lease_ends_at > hookonce.now_ms(), round IS NOT NULL, due_at IS NULL,
  state = 'completed', state = 'running'
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()`,
  takeOver: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = 'running', fingerprint = coalesce(fingerprint, $5), label = coalesce(label, $11), attempts = attempts + 1,
  losses = $6, lease_id = $7,
  last_error = CASE
    WHEN state = 'running' THEN format('attempt %s was lost: its lease ended without a word', attempts)
    ELSE last_error
  END,
  fencing_token = greatest(fencing_token + 1, hookonce.now_us()), claimed_at = hookonce.now_ms(),
  lease_ends_at = hookonce.now_ms() + least($8::bigint, $9::bigint), settled_at = NULL,
  expires_at = CASE
    WHEN round IS NULL
      THEN hookonce.now_ms() + least($8::bigint, $9::bigint) + greatest($9::bigint, $10::bigint)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + least($8::bigint, $9::bigint) END,
  lock_ttl_ms = $9::bigint, retention_ms = $10::bigint, lease_ms = least($8::bigint, $9::bigint), begun = true,
  earlier_attempts = earlier_attempts + (state = 'running' AND NOT begun)::integer,
  history = hookonce.history_with_last(records),
  history_id = CASE WHEN state = 'pending' THEN history_id ELSE id END
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND fencing_token = $3::bigint AND state = $4 AND expires_at > hookonce.now_ms()
  AND (state IN ('failed', 'pending') OR (state = 'running' AND lease_ends_at <= hookonce.now_ms()))
RETURNING attempts, fencing_token`,
  trimEntries: `WITH surplus AS MATERIALIZED (
  SELECT id FROM hookonce.journal WHERE list = $1 AND expires_at > hookonce.now_ms()
  ORDER BY at DESC, id DESC OFFSET $2::bigint
),
removed AS (
  DELETE FROM hookonce.journal WHERE list = $1 AND id IN (SELECT id FROM surplus) RETURNING id
)
SELECT count(*) FROM removed`,
  usage: `WITH pages AS (
  SELECT least(1, $2::float8 * current_setting('block_size')::bigint / greatest(pg_relation_size('hookonce.records'), 1))
    AS share
)
SELECT round(count(bytes) / max(share)), round(coalesce(sum(bytes), 0) / max(share))
FROM pages LEFT JOIN (
  SELECT 700 + coalesce(pg_column_size(last_error), 0) + coalesce(pg_column_size(result), 0)
    + coalesce(pg_column_size(delivery), 0) AS bytes
  FROM hookonce.records TABLESAMPLE SYSTEM (
    least(100, 100 * $2::float8 * current_setting('block_size')::bigint / greatest(pg_relation_size('hookonce.records'), 1))
  )
  WHERE scope = $1 AND expires_at > hookonce.now_ms()
) AS kept ON true`,
  version: `SELECT version, coalesce((to_jsonb(meta)->>'least_version')::integer, 0) FROM hookonce.meta WHERE id = 1`,
  watch: `WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records r SET watched = true
FROM unnest($1::text[], $2::text[]) AS a (scope, key), lock_timeout
WHERE r.scope = a.scope AND r.key = a.key AND NOT r.watched`,
  writeEntries: `WITH expired AS MATERIALIZED (
  SELECT ctid FROM hookonce.journal WHERE expires_at <= hookonce.now_ms() ORDER BY expires_at LIMIT $8
  FOR UPDATE SKIP LOCKED
),
removed AS (
  DELETE FROM hookonce.journal j USING expired e
  WHERE j.ctid = e.ctid
    AND NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS a (list, id) WHERE a.list = j.list AND a.id = j.id)
)
INSERT INTO hookonce.journal (list, id, at, expires_at, value)
SELECT a.list, a.id, coalesce(a.at, hookonce.now_ms()), hookonce.now_ms() + a.keep_ms, substring($7::bytea FROM a.start FOR a.length)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[])
  AS a (list, id, at, keep_ms, start, length)
ORDER BY a.list COLLATE "C", a.id COLLATE "C"
ON CONFLICT (list, id) DO UPDATE SET at = excluded.at, expires_at = excluded.expires_at, value = excluded.value`,
} as const

export const migrations: readonly string[] = [
  `-- Plain SQL, which psql can run too. For another schema, replace hookonce by its name.

-- The server's clock when the statement arrived: one time for all records of a batch. The planner inlines these functions.
CREATE FUNCTION hookonce.now_us() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT floor(date_part(''epoch'', statement_timestamp()) * 1000000)::bigint';
CREATE FUNCTION hookonce.now_ms() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT floor(date_part(''epoch'', statement_timestamp()) * 1000)::bigint';

-- One row. token_floor: every later fencing token is above it; only purge raises it. checked_at: written to prove that
-- writes work, and to notice that the clock stepped back.
CREATE TABLE hookonce.meta (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL,
  token_floor bigint NOT NULL,
  checked_at bigint NOT NULL
);

INSERT INTO hookonce.meta (id, version, token_floor, checked_at) VALUES (1, 1, 0, 0);

-- Ids rise with each created record: lists are in their order.
CREATE SEQUENCE hookonce.record_ids;

-- Times are milliseconds since the epoch. A deleted record stays as an expired one (expires_at 0) until it is purged,
-- so that the next fencing token is above its own. watched: the end of an attempt is notified.
--
-- Rows that are claimed together are on one page and are completed together, so half of a page stays free for heap-only
-- updates (HOT): 88 % of completions with results of 60 bytes are, 48 % at a fillfactor of 70. The table is as large either
-- way.
CREATE TABLE hookonce.records (
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  id bigint NOT NULL DEFAULT nextval('hookonce.record_ids'),
  state text NOT NULL,
  fingerprint text,
  attempts integer NOT NULL,
  losses integer NOT NULL,
  lease_id text NOT NULL,
  fencing_token bigint NOT NULL,
  created_at bigint NOT NULL,
  claimed_at bigint NOT NULL,
  lease_ends_at bigint NOT NULL,
  settled_at bigint,
  expires_at bigint NOT NULL,
  lock_ttl_ms bigint NOT NULL,
  retention_ms bigint NOT NULL,
  watched boolean NOT NULL DEFAULT false,
  last_error text,
  result bytea,
  PRIMARY KEY (scope, key)
) WITH (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.1
);

CREATE UNIQUE INDEX records_by_id ON hookonce.records (id);

-- The earliest time when a record can expire. A completion changes neither column, so it can be heap-only. An index on
-- expires_at would prevent that, and cost 17 to 32 % more WAL a record.
CREATE INDEX records_due ON hookonce.records ((claimed_at + retention_ms));

-- Ballast: a row on the last of 150 pages, so that the file never gets shorter. A connection caches its plans: one made
-- while the table has few pages scans the whole table for each key, also while the table grows, until the next analyze. The
-- row has expired and is never due, so no statement returns it and purge leaves it. VACUUM FULL removes the ballast, which
-- only brings back that risk.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms, last_error
)
SELECT 'hookonce ballast', n::text, -n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0, repeat('x', 1700)
FROM generate_series(1, 300) AS n;

DELETE FROM hookonce.records WHERE key <> '300';`,
  `-- Accepted records are queue entries. round is NULL for records that were only claimed, and no index below has a column that
-- changes for those, so that their updates stay heap-only.
--
-- due_at: when the next attempt is due; NULL once settled for good. grp: the group, of which all unfinished records but one
-- are blocked. delivery: EXTERNAL, so that no update copies a large one.
ALTER TABLE hookonce.records
  ADD COLUMN due_at bigint,
  ADD COLUMN grp text COLLATE "C",
  ADD COLUMN blocked boolean NOT NULL DEFAULT false,
  ADD COLUMN round integer,
  ADD COLUMN earlier_attempts integer NOT NULL DEFAULT 0,
  ADD COLUMN delivery bytea;
ALTER TABLE hookonce.records ALTER COLUMN delivery SET STORAGE EXTERNAL;

-- CREATE INDEX stores the table's number of rows for the planner. For a new table that would be one, the ballast, and plans
-- made from that scan a whole index for one key, also while the table grows. So it counts these rows, which are deleted below.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms, last_error
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0,
  repeat('x', 200)
FROM generate_series(1, 3000) AS n;

-- An unfinished record does not expire, so purge need not read it.
DROP INDEX hookonce.records_due;
CREATE INDEX records_due ON hookonce.records ((claimed_at + retention_ms)) WHERE due_at IS NULL;

-- The queue, without the blocked records of groups.
CREATE INDEX records_queue ON hookonce.records (scope, due_at) WHERE due_at IS NOT NULL AND NOT blocked;

-- The unfinished records of a group in the order of acceptance, the blocked ones apart.
CREATE INDEX records_groups ON hookonce.records (scope, grp, blocked, id) WHERE grp IS NOT NULL AND due_at IS NOT NULL;

-- Lists of accepted records are in this order.
CREATE INDEX records_accepted ON hookonce.records (created_at, id) WHERE round IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

-- Held to its end by each transaction that adds a record to a group or ends an attempt of one.
CREATE FUNCTION hookonce.lock_group(in_scope text, in_grp text) RETURNS void LANGUAGE sql
  AS $body$ SELECT pg_advisory_xact_lock(hashtextextended(in_scope || ' ' || in_grp, 7407)) $body$;

-- Unblocks the earliest record of a group, unless one is running. Called after a statement added a record or ended an
-- attempt. In contrast to that statement, each statement in here sees all that was committed before it: under the lock,
-- either an acceptance sees that the running record ended, or the end of that record sees the acceptance.
CREATE FUNCTION hookonce.give_turn(in_scope text, in_grp text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  head bigint;
BEGIN
  IF current_setting('transaction_isolation') = 'repeatable read' THEN
    RAISE EXCEPTION 'groups need transactions at read committed, or serializable';
  END IF;
  PERFORM hookonce.lock_group(in_scope, in_grp);
  SELECT id INTO head FROM hookonce.records
  WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND NOT blocked AND state = 'running'
  ORDER BY id LIMIT 1;
  IF head IS NULL THEN
    SELECT least(
      (SELECT id FROM hookonce.records WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND NOT blocked
       ORDER BY id LIMIT 1),
      (SELECT id FROM hookonce.records WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND blocked
       ORDER BY id LIMIT 1)
    ) INTO head;
  END IF;
  UPDATE hookonce.records SET blocked = true
  WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND NOT blocked AND id <> head;
  UPDATE hookonce.records SET blocked = false WHERE id = head AND blocked;
END
$body$;

UPDATE hookonce.meta SET version = 2 WHERE id = 1;`,
  `-- Expand only: earlier versions keep working. label: what people search by.
ALTER TABLE hookonce.records ADD COLUMN label text COLLATE "C";

UPDATE hookonce.meta SET version = 3 WHERE id = 1;`,
  `-- Rows for CREATE INDEX to count, as in migration 2.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0
FROM generate_series(1, 6000) AS n
WHERE pg_relation_size('hookonce.records') < 8388608;

-- Lists by label are in this order. No attempt changes a column of it. Not in the migration that adds the column, because on
-- a large table the index is built CONCURRENTLY between the two, without blocking writes.
CREATE INDEX IF NOT EXISTS records_by_label ON hookonce.records (label, created_at, id) WHERE label IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

UPDATE hookonce.meta SET version = 4 WHERE id = 1;`,
  `-- Expand only: earlier versions keep working, and what they write counts as before.
-- lease_ms: the length of the lease at its last claim or renewal; NULL: written by an earlier version.
-- begun: whether the running attempt is known to have begun; one claimed from the queue is from its first renewal on.
ALTER TABLE hookonce.records ADD COLUMN lease_ms bigint;
ALTER TABLE hookonce.records ADD COLUMN begun boolean NOT NULL DEFAULT true;

-- The number of migrations that a version of hookonce must know to use the schema. Only a migration that removes what earlier
-- versions need raises it; otherwise an earlier version can run beside a later one or replace it.
ALTER TABLE hookonce.meta ADD COLUMN least_version integer NOT NULL DEFAULT 0;

UPDATE hookonce.meta SET version = 5 WHERE id = 1;`,
  `-- Expand only: earlier versions keep working. dead_until: until when a dead record is kept, otherwise NULL. A column of its own,
-- because an index whose condition is on state would prevent heap-only completions. Earlier versions do not write it, so it
-- only says where to look: the record decides.
ALTER TABLE hookonce.records ADD COLUMN dead_until bigint;

UPDATE hookonce.meta SET version = 6 WHERE id = 1;`,
  `-- What died under earlier versions. It reads the whole table, so it has a transaction of its own, which blocks no writes.
UPDATE hookonce.records SET dead_until = expires_at
WHERE round IS NOT NULL AND state = 'dead' AND expires_at > hookonce.now_ms();

UPDATE hookonce.meta SET version = 7 WHERE id = 1;`,
  `-- Rows for CREATE INDEX to count, as in migration 2.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0
FROM generate_series(1, 8000) AS n
WHERE pg_relation_size('hookonce.records') < 8388608;

-- Dead records are counted by it. As the index of labels it is built CONCURRENTLY before, if the table is large.
CREATE INDEX IF NOT EXISTS records_dead ON hookonce.records (scope, dead_until) WHERE dead_until IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

UPDATE hookonce.meta SET version = 8 WHERE id = 1;`,
  `-- Expand only: earlier versions keep working. What a record tells of its attempts before the last one, nine lines at most, and
-- how the last one failed. No first attempt writes these columns, and no index has one.
-- Earlier versions leave them as they are, when another attempt or another record takes the row. So each says whose it is:
-- outcome that of the attempt with this token, history that of the record with this id.
ALTER TABLE hookonce.records
  ADD COLUMN outcome text,
  ADD COLUMN outcome_token bigint,
  ADD COLUMN history text[],
  ADD COLUMN history_id bigint;

-- The history of a record whose next attempt or round begins. A pending record's last attempt is in it, if it had one.
-- The planner inlines this function.
CREATE FUNCTION hookonce.history_with_last(r hookonce.records) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT CASE
    WHEN r.state = 'pending' THEN r.history
    ELSE (CASE WHEN r.history_id = r.id THEN r.history[cardinality(r.history) - 7:] END) || concat_ws(' ',
      r.attempts, r.fencing_token, left(split_part(r.lease_id, '.', 1), 8), r.claimed_at,
      greatest(0, coalesce(r.settled_at, hookonce.now_ms()) - r.claimed_at),
      CASE r.state
        WHEN 'running' THEN 'lost'
        WHEN 'completed' THEN 'recorded'
        ELSE coalesce(CASE WHEN r.outcome_token = r.fencing_token THEN r.outcome END, 'failed')
      END)
  END
$body$;

UPDATE hookonce.meta SET version = 9 WHERE id = 1;`,
  `-- Expand only: earlier versions keep working. What operators look at beside the records, see \`stores/journal.ts\`.
CREATE TABLE hookonce.journal (
  list text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  expires_at bigint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (list, id)
);

CREATE INDEX journal_newest ON hookonce.journal (list, at, id);
CREATE INDEX journal_expired ON hookonce.journal (expires_at);

UPDATE hookonce.meta SET version = 10 WHERE id = 1;`,
]
