-- A further attempt of a record that failed or whose lease is over, or the first of one that was accepted.
-- Parameters: fingerprint, losses, the error of an attempt that was lost or NULL, lease_id, fencing_token, claimed_at, lease_ends_at, expires_at, lock_ttl_ms,
--   retention_ms, due_at, id.
UPDATE records SET
  state = 'running', fingerprint = coalesce(fingerprint, ?), attempts = attempts + 1, losses = ?,
  last_error = coalesce(?, last_error), lease_id = ?,
  fencing_token = ?, claimed_at = ?, lease_ends_at = ?, settled_at = NULL, expires_at = ?, lock_ttl_ms = ?,
  retention_ms = ?, due_at = ?
WHERE id = ?
