-- Prolongs a live lease. One that was accepted is due when it ends.
-- Parameters: 1 now + lease, 2 scope, 3 key, 4 lease_id, 5 now.
-- Result: 1 change, or 0 when the lease is lost.
UPDATE records SET
  lease_ends_at = min(?1, claimed_at + lock_ttl_ms),
  expires_at =
    iif(round IS NULL, min(?1, claimed_at + lock_ttl_ms) + max(lock_ttl_ms, retention_ms), 8640000000000000),
  due_at = iif(round IS NULL, NULL, min(?1, claimed_at + lock_ttl_ms))
WHERE scope = ?2 AND key = ?3 AND state = 'running' AND lease_id = ?4 AND lease_ends_at > ?5
