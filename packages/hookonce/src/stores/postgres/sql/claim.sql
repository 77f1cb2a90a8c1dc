-- Claims the keys that have no row, and reads the rows of the others.
-- Parameters, one array each, no key twice: scopes, keys, fingerprints, lease ids, lease_ms, lock_ttl_ms,
--   retention_ms, labels.
-- Result: n (from 1 on), then of the row: inserted by this statement, expired, state, fingerprint, attempts, losses,
--   lease_id, fencing_token, milliseconds left of the lease, settled_at, result of a completed record, length of the lease
--   at its last claim or renewal, and whether the attempt is known to have begun.
--   No row for a key whose record was written or removed meanwhile: retry it.
-- The arrays go through a CTE, or the server would plan each call anew by their lengths. Keys are inserted in order, so that
-- two batches never deadlock. An INSERT waits for an uncommitted one of the same key; lock_timeout limits that, for this
-- transaction only, so that no session is needed.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
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
WHERE NOT EXISTS (SELECT FROM inserted i WHERE i.scope = a.scope AND i.key = a.key)
