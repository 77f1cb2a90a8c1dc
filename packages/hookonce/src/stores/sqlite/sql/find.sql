-- What a claim or an acceptance decides on.
-- Parameters: hash, scope, key.
SELECT
  id, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, lease_ends_at, settled_at, expires_at,
  result, grp, round
FROM records WHERE hash = ? AND scope = ? AND key = ?
