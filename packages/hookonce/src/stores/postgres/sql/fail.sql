-- Gives the key back for a retry.
-- Parameters: scope, key, lease_id, error.
-- Result: one row, or none when the attempt does not hold the record.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = 'failed', last_error = $4, settled_at = hookonce.now_ms(), expires_at = hookonce.now_ms() + retention_ms
FROM patience
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3 AND expires_at > hookonce.now_ms()
RETURNING CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
