-- Prolongs a live lease.
-- Parameters: now + lease, now + lease, scope, key, lease_id, now.
-- Result: 1 change, or 0 when the lease is lost.
UPDATE records SET
  lease_ends_at = min(?, claimed_at + lock_ttl_ms),
  expires_at = min(?, claimed_at + lock_ttl_ms) + max(lock_ttl_ms, retention_ms)
WHERE scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND lease_ends_at > ?
