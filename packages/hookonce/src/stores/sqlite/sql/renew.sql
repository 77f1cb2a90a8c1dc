-- Extends a live lease. An accepted record is due when it ends.
-- Parameters: 1 now, 2 lease_ms, 3 hash, 4 scope, 5 key, 6 lease_id.
-- Result: 1 change, or 0 if the lease is lost.
UPDATE records SET
  lease_ends_at = min(?1 + ?2, claimed_at + lock_ttl_ms),
  expires_at =
    iif(round IS NULL, min(?1 + ?2, claimed_at + lock_ttl_ms) + max(lock_ttl_ms, retention_ms), 8640000000000000),
  due_at = iif(round IS NULL, NULL, min(?1 + ?2, claimed_at + lock_ttl_ms)),
  lease_ms = ?2, begun = 1
WHERE hash = ?3 AND scope = ?4 AND key = ?5 AND state = 'running' AND lease_id = ?6 AND lease_ends_at > ?1
