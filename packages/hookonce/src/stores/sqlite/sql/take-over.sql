-- Starts another attempt of a record that failed or whose lease is over, or the first of an accepted one.
-- Parameters: 1 fingerprint, 2 losses, 3 the error of a lost attempt or NULL, 4 lease_id, 5 fencing_token,
--   6 claimed_at, 7 lease_ends_at, 8 expires_at, 9 lock_ttl_ms, 10 retention_ms, 11 due_at, 12 attempts that did not
--   begin, added to the earlier ones, 13 begun, 14 id.
UPDATE records SET
  state = 'running', fingerprint = coalesce(fingerprint, ?1), attempts = attempts + 1, losses = ?2,
  last_error = coalesce(?3, last_error), lease_id = ?4,
  fencing_token = ?5, claimed_at = ?6, lease_ends_at = ?7, settled_at = NULL, expires_at = ?8, lock_ttl_ms = ?9,
  retention_ms = ?10, due_at = ?11, earlier_attempts = earlier_attempts + ?12, lease_ms = ?7 - ?6, begun = ?13
WHERE id = ?14
