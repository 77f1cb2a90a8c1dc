-- Inserts an accepted record. It is held if its group has a record in the queue.
-- Parameters: 1 hash, 2 scope, 3 key, 4 fingerprint, 5 accept id, 6 now, 7 retention_ms, 8 due_at, 9 group,
--   10 id or NULL, 11 delivery or NULL, 12 label.
INSERT INTO records (
  id, hash, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
  lease_ends_at, expires_at, lock_ttl_ms, retention_ms, due_at, grp, held, round, earlier_attempts, delivery,
  label
) VALUES (
  ?10, ?1, ?2, ?3, 'pending', ?4, 0, 0, ?5, 0, ?6, ?6,
  ?6, 8640000000000000, 0, ?7, ?8, ?9,
  EXISTS (SELECT 1 FROM records WHERE scope = ?2 AND grp = ?9 AND due_at IS NOT NULL), 1, 0, ?11,
  ?12
)
