-- Fails the attempt. An accepted record is due again, or dead.
-- Parameters: 1 error, 2 now, 3 when it is due or NULL, 4 hash, 5 scope, 6 key, 7 lease_id,
--   8 attempts that did not begin, added to the earlier ones.
-- Result: id and number of the attempt; no row if it does not hold the record.
UPDATE records SET
  state = iif(round IS NOT NULL AND ?3 IS NULL, 'dead', 'failed'),
  last_error = ?1,
  settled_at = ?2,
  expires_at = iif(round IS NOT NULL AND ?3 IS NOT NULL, 8640000000000000, ?2 + retention_ms),
  due_at = iif(round IS NULL, NULL, ?3),
  earlier_attempts = earlier_attempts + ?8
WHERE hash = ?4 AND scope = ?5 AND key = ?6 AND state = 'running' AND lease_id = ?7 AND expires_at > ?2
RETURNING id, attempts
