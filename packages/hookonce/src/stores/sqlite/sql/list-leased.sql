-- The accepted records of a scope that run under one lease; they are due when it ends.
-- Parameters: scope, now, lease_id.
SELECT
  id, key, state, attempts, losses, fencing_token, created_at, retention_ms, expires_at, due_at, grp, round,
  earlier_attempts, delivery
FROM records WHERE scope = ? AND held = 0 AND due_at > ? AND state = 'running' AND lease_id = ? ORDER BY due_at
