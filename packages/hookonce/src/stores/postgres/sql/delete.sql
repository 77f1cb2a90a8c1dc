-- Removes a record: what it held is erased, and it counts as expired. Its token stays until purge has noted it.
-- Parameters: scope, key, whether one that runs under a live lease goes too.
-- Result: one row, or none when there is nothing to remove, or it runs.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  expires_at = 0, lock_ttl_ms = 0, retention_ms = 0, fingerprint = NULL, last_error = NULL, result = NULL,
  due_at = NULL, label = NULL, delivery = NULL
FROM patience
WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
  AND ($3::boolean OR state <> 'running' OR lease_ends_at <= hookonce.now_ms())
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
