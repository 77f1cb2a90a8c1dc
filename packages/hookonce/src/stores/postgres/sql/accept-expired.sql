-- Accepts a record in the place of an expired or deleted one, unless that has changed since it was read.
-- Parameters: scope, key, the token that was read, fingerprint, acceptance id, retention_ms, delay_ms, group, label,
--   delivery.
-- Result: created_at; no row if the record has changed.
-- Locks the group before the record gets its id, as accept.sql does.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  id = (SELECT nextval('hookonce.record_ids') FROM hookonce.lock_group($1, $8)), state = 'pending', fingerprint = $4,
  attempts = 0, losses = 0, lease_id = $5,
  fencing_token = greatest(fencing_token + 1, hookonce.now_us()), created_at = hookonce.now_ms(),
  claimed_at = hookonce.now_ms(), lease_ends_at = hookonce.now_ms(), settled_at = NULL, expires_at = 8640000000000000,
  lock_ttl_ms = 0, retention_ms = $6::bigint, last_error = NULL, result = NULL,
  due_at = hookonce.now_ms() + $7::bigint, grp = $8::text, blocked = $8::text IS NOT NULL, round = 1, earlier_attempts = 0,
  dead_until = NULL, label = $9, delivery = $10::bytea,
  outcome = NULL, outcome_token = NULL, history = NULL, history_id = NULL
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND fencing_token = $3::bigint AND expires_at <= hookonce.now_ms()
RETURNING created_at, CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END
