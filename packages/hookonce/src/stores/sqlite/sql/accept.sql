-- A record that is to be attempted later. It is held when its group has one already.
-- Parameters: 1 scope, 2 key, 3 fingerprint, 4 the id of the acceptance, 5 now, 6 retention_ms, 7 due_at, 8 group,
--   9 id.
INSERT INTO records (
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  expires_at, lock_ttl_ms, retention_ms, due_at, grp, held, round, earlier_attempts
) VALUES (
  ?9, ?1, ?2, 'pending', ?3, 0, 0, ?4, 0, ?5, ?5, ?5, 8640000000000000, 0, ?6, ?7, ?8,
  EXISTS (SELECT 1 FROM records WHERE scope = ?1 AND grp = ?8 AND due_at IS NOT NULL), 1, 0
)
