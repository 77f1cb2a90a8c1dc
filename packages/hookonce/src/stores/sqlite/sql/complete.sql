-- Records the result of the attempt that holds the record, however late. Nothing is due any more.
-- Parameters: result, now, now, hash, scope, key, lease_id, now.
-- Result: 1 change, or 0 when the attempt does not hold the record.
UPDATE records SET state = 'completed', result = ?, settled_at = ?, expires_at = ? + retention_ms, due_at = NULL
WHERE hash = ? AND scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND expires_at > ?
