-- Accepts the keys that have no row, and reads the rows of the others.
-- Parameters, one array each, no key twice: scopes, keys, fingerprints, acceptance ids, retention_ms, delay_ms, groups,
--   labels, start (from 1 on) and length of each delivery in the bytes; then the bytes of all deliveries.
-- Result: n (from 1 on), then of the row: inserted by this statement, expired, state, fingerprint, attempts, lease_id,
--   fencing_token, created_at. No row for a key whose record was written or removed meanwhile: retry it.
-- The token is a lower bound for that of the first attempt. Each group is locked before its records get their ids, so that
-- ids rise in the order of acceptance. Groups are locked in order, so that two batches never deadlock. The bytes are in no
-- CTE, which would copy all of them for each record.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
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
WHERE NOT EXISTS (SELECT FROM inserted i WHERE i.scope = a.scope AND i.key = a.key)
