-- What a claim decides on.
-- Parameters: scope, key.
SELECT
  id, state, fingerprint, attempts, losses, lease_id, fencing_token, lease_ends_at, settled_at, expires_at, result
FROM records WHERE scope = ? AND key = ?
