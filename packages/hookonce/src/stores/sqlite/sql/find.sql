-- The record of a hash, for a claim or an acceptance. The caller compares scope and key, because collisions are rare and
-- binding two texts costs more than the lookup.
-- Parameters: hash, how many of its records to skip.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, lease_ends_at, settled_at,
  expires_at, result, grp, round, coalesce(lease_ms, lock_ttl_ms) AS lease_ms, begun
FROM records WHERE hash = ? LIMIT 1 OFFSET ?
