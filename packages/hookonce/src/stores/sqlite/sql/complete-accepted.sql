-- As complete.sql, for an accepted record. It leaves the queue.
-- Parameters: 1 result, 2 now, 3 hash, 4 scope, 5 key, 6 lease_id.
-- Result: 1 change, or 0 if the attempt does not hold such a record.
UPDATE records SET state = 'completed', result = ?1, settled_at = ?2, expires_at = ?2 + retention_ms, due_at = NULL
WHERE hash = ?3 AND scope = ?4 AND key = ?5 AND state = 'running' AND lease_id = ?6 AND expires_at > ?2
  AND due_at IS NOT NULL
