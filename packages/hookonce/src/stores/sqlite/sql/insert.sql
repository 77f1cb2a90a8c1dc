-- The first attempt of a record. REPLACE takes away an expired row of the same key, so that the new one gets a new id.
-- Parameters: scope, key, fingerprint, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
--   lock_ttl_ms, retention_ms.
INSERT OR REPLACE INTO records (
  scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  expires_at, lock_ttl_ms, retention_ms
) VALUES (?, ?, 'running', ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?)
