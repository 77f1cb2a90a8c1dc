-- Removes a record: its content is erased, and it counts as expired. Purge deletes the row and raises the token floor.
-- Parameters: scope, key, whether to remove a record under a live lease too.
-- Result: one row; none if there is no record, or it is running.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  expires_at = 0, lock_ttl_ms = 0, retention_ms = 0, fingerprint = NULL, last_error = NULL, result = NULL,
  due_at = NULL, dead_until = NULL, label = NULL, delivery = NULL,
  outcome = NULL, outcome_token = NULL, history = NULL, history_id = NULL
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
  AND ($3::boolean OR state <> 'running' OR lease_ends_at <= hookonce.now_ms())
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
