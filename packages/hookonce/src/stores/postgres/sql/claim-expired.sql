-- The first attempt of a record in the place of an expired or deleted one, unless that has changed since it was read.
-- Parameters: scope, key, the token that was read, fingerprint, lease_id, lease_ms, lock_ttl_ms, retention_ms, label.
-- Result: attempts, fencing_token; no row if the record has changed.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  id = nextval('hookonce.record_ids'), state = 'running', fingerprint = $4, attempts = 1, losses = 0, lease_id = $5,
  fencing_token = greatest(fencing_token + 1, hookonce.now_us()), created_at = hookonce.now_ms(),
  claimed_at = hookonce.now_ms(), lease_ends_at = hookonce.now_ms() + least($6::bigint, $7::bigint),
  settled_at = NULL,
  expires_at = hookonce.now_ms() + least($6::bigint, $7::bigint) + greatest($7::bigint, $8::bigint),
  lock_ttl_ms = $7::bigint, retention_ms = $8::bigint, last_error = NULL, result = NULL, grp = NULL, round = NULL,
  earlier_attempts = 0, dead_until = NULL, label = $9, delivery = NULL, lease_ms = least($6::bigint, $7::bigint), begun = true,
  outcome = NULL, outcome_token = NULL, history = NULL, history_id = NULL
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND fencing_token = $3::bigint AND expires_at <= hookonce.now_ms()
RETURNING attempts, fencing_token
