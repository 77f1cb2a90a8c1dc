-- Marks an accepted record as dead that has lost too many attempts.
-- Parameters: losses, error, now, now, id.
UPDATE records SET
  state = 'dead', losses = ?, last_error = ?, settled_at = ?, expires_at = ? + retention_ms, due_at = NULL
WHERE id = ?
