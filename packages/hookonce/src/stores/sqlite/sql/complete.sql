-- Completes a record that was not accepted, if the attempt still holds it, even after its lease ended. It does not write
-- `due_at`, so that no trigger and no index of the queue costs time.
-- Parameters: 1 result, 2 now, 3 hash, 4 scope, 5 key, 6 lease_id.
-- Result: 1 change, or 0 if the attempt does not hold such a record.
UPDATE records SET state = 'completed', result = ?1, settled_at = ?2, expires_at = ?2 + retention_ms
WHERE hash = ?3 AND scope = ?4 AND key = ?5 AND state = 'running' AND lease_id = ?6 AND expires_at > ?2
  AND due_at IS NULL
