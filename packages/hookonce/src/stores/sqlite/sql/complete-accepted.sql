-- The same of a record that was accepted; nothing is due any more.
-- Parameters: result, now, now, hash, scope, key, lease_id, now.
-- Result: 1 change, or 0 when the attempt does not hold such a record.
UPDATE records SET state = 'completed', result = ?, settled_at = ?, expires_at = ? + retention_ms, due_at = NULL
WHERE hash = ? AND scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND expires_at > ?
  AND due_at IS NOT NULL
