-- Releases the key for a retry, or ends an accepted record as dead.
-- Parameters: scope, key, lease_id, error, ms until an accepted record is due again (NULL: it is dead), whether its attempt
--   did not begin, how it failed.
-- Result: one row; none if the attempt does not hold the record.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = CASE WHEN round IS NOT NULL AND $5::bigint IS NULL THEN 'dead' ELSE 'failed' END, last_error = $4,
  settled_at = hookonce.now_ms(),
  expires_at = CASE
    WHEN round IS NULL OR $5::bigint IS NULL THEN hookonce.now_ms() + retention_ms
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + $5::bigint END,
  dead_until = CASE WHEN round IS NOT NULL AND $5::bigint IS NULL THEN hookonce.now_ms() + retention_ms END,
  earlier_attempts = earlier_attempts + $6::boolean::integer,
  outcome = $7, outcome_token = fencing_token
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3 AND expires_at > hookonce.now_ms()
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
