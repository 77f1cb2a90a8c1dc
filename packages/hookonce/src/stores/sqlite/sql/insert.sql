-- The first attempt of a record.
-- Parameters: hash, scope, key, fingerprint, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
--   expires_at, lock_ttl_ms, retention_ms.
INSERT INTO records (
  hash, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, expires_at, lock_ttl_ms, retention_ms
) VALUES (?, ?, ?, 'running', ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?)
