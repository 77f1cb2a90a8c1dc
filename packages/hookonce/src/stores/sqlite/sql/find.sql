-- What a claim or an acceptance decides on, or another record with its hash: no row most often, else nearly always the one.
-- Asked without the texts, for to hand them over costs more than to look.
-- Parameters: hash, how many with it to skip.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, lease_ends_at, settled_at,
  expires_at, result, grp, round, coalesce(lease_ms, lock_ttl_ms) AS lease_ms, begun
FROM records WHERE hash = ? LIMIT 1 OFFSET ?
