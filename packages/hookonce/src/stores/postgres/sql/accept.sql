-- Accepts the keys that have no row, and tells what stands on the others.
-- Parameters, one array each, no key twice: scopes, keys, fingerprints, acceptance ids, retention_ms, delay_ms, groups,
--   labels, where in the bytes each delivery starts (from 1 on) and its length; then the bytes of all deliveries.
-- Result: n (from 1 on), then of the row: inserted by this statement, expired, state, fingerprint, attempts, lease_id,
--   fencing_token, created_at. No line for a key: its row came or went in this moment, ask again.
-- The token is the floor of the first attempt's. A group is locked before its records get their ids: who is accepted
-- later has the larger one. Groups in order: two batches never wait for each other. The bytes go through no CTE, which
-- would copy all of them for each record.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
given AS MATERIALIZED (
  SELECT $1::text[] AS scopes, $2::text[] AS keys, $3::text[] AS fingerprints, $4::text[] AS accept_ids,
    $5::bigint[] AS retentions, $6::bigint[] AS delays, $7::text[] AS groups, $8::text[] AS labels,
    $9::integer[] AS starts, $10::integer[] AS lengths
),
asked AS MATERIALIZED (
  SELECT a.scope, a.key, a.fingerprint, a.accept_id, a.retention_ms, a.delay_ms, a.grp, a.label, a.start, a.length, a.n
  FROM given, unnest(scopes, keys, fingerprints, accept_ids, retentions, delays, groups, labels, starts, lengths)
    WITH ORDINALITY AS a (scope, key, fingerprint, accept_id, retention_ms, delay_ms, grp, label, start, length, n)
),
locked AS MATERIALIZED (
  SELECT hookonce.lock_group(scope, grp)
  FROM patience, (
    SELECT DISTINCT scope COLLATE "C" AS scope, grp COLLATE "C" AS grp FROM asked
    WHERE grp IS NOT NULL
      AND NOT EXISTS (SELECT FROM hookonce.records r WHERE r.scope = asked.scope AND r.key = asked.key)
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
  FROM asked, hookonce.meta, patience, (SELECT count(*) FROM locked) AS l WHERE meta.id = 1
  ORDER BY scope COLLATE "C", key COLLATE "C"
  ON CONFLICT (scope, key) DO NOTHING
  RETURNING scope, key, grp, created_at
),
accepted AS MATERIALIZED (
  SELECT i.*, CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END
  FROM (SELECT * FROM inserted ORDER BY grp, scope) AS i
)
SELECT a.n, true, false, 'pending', NULL, 0, NULL, 0, i.created_at
FROM asked a JOIN accepted i ON i.scope = a.scope AND i.key = a.key
UNION ALL
SELECT a.n, false, r.expires_at <= hookonce.now_ms(), r.state, r.fingerprint, r.attempts, r.lease_id, r.fencing_token,
  r.created_at
FROM asked a JOIN hookonce.records r ON r.scope = a.scope AND r.key = a.key
WHERE NOT EXISTS (SELECT FROM inserted i WHERE i.scope = a.scope AND i.key = a.key)
