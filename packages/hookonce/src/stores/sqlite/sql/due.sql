-- The due records of a scope, longest due first. A record that its group holds back is not due.
-- Parameters: scope, now, limit.
SELECT
  id, key, state, attempts, losses, fencing_token, created_at, retention_ms, expires_at, grp, round, earlier_attempts,
  begun, delivery
FROM records WHERE scope = ? AND held = 0 AND due_at <= ? ORDER BY due_at LIMIT ?
