-- Prolongs a live lease. One that was accepted is due when it ends.
-- Parameters: 1 now + lease, 2 hash, 3 scope, 4 key, 5 lease_id, 6 now.
-- Result: 1 change, or 0 when the lease is lost.
UPDATE records SET
  lease_ends_at = min(?1, claimed_at + lock_ttl_ms),
  expires_at =
    iif(round IS NULL, min(?1, claimed_at + lock_ttl_ms) + max(lock_ttl_ms, retention_ms), 8640000000000000),
  due_at = iif(round IS NULL, NULL, min(?1, claimed_at + lock_ttl_ms))
WHERE hash = ?2 AND scope = ?3 AND key = ?4 AND state = 'running' AND lease_id = ?5 AND lease_ends_at > ?6
