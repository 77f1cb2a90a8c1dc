-- Makes an accepted record due that waits for its next attempt.
-- Parameters: scope, key.
-- Result: one row; none if there is no such record.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET due_at = least(due_at, hookonce.now_ms())
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND due_at IS NOT NULL AND state IN ('pending', 'failed')
RETURNING 1
