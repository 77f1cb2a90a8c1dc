-- The whole record. The token of an accepted record is 0 before its first attempt.
-- Parameters: scope, key.
SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label,
  CASE WHEN outcome_token = fencing_token THEN outcome END, CASE WHEN history_id = id THEN history END, result, delivery
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
