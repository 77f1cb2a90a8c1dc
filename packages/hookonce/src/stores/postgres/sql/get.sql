-- The whole record.
-- Parameters: scope, key.
SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, settled_at, expires_at, last_error, lease_ends_at - hookonce.now_ms() AS lease_remaining_ms, result
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
