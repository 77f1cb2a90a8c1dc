-- Inserts a record with its first attempt.
-- Parameters: 1 hash, 2 scope, 3 key, 4 fingerprint, 5 lease_id, 6 fencing_token, 7 now, 8 lease_ends_at, 9 expires_at,
--   10 lock_ttl_ms, 11 retention_ms, 12 label.
INSERT INTO records (
  hash, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, expires_at, lock_ttl_ms, retention_ms, label, lease_ms
) VALUES (?1, ?2, ?3, 'running', ?4, 1, 0, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?8 - ?7)
