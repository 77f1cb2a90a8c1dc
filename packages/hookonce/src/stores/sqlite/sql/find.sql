-- What a claim decides on.
-- Parameters: scope, key.
-- Result: one row always; record columns are NULL when the key has no row.
SELECT
  meta.token_floor, r.id, r.state, r.fingerprint, r.attempts, r.losses, r.lease_id, r.fencing_token,
  r.claimed_at, r.lease_ends_at, r.settled_at, r.expires_at, r.result
FROM meta
LEFT JOIN records AS r ON r.scope = ? AND r.key = ?
WHERE meta.id = 1
