-- Gives the key back for a retry.
-- Parameters: error, now, now, scope, key, lease_id, now.
-- Result: 1 change, or 0 when the attempt does not hold the record.
UPDATE records SET state = 'failed', last_error = ?, settled_at = ?, expires_at = ? + retention_ms
WHERE scope = ? AND key = ? AND state = 'running' AND lease_id = ? AND expires_at > ?
