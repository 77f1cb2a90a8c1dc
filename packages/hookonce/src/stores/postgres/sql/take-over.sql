-- A further attempt of a record that is pending, failed, or under an ended lease, unless it has changed since it was read.
-- Parameters: scope, key, the token and the state that were read, fingerprint, losses, lease_id, lease_ms, lock_ttl_ms,
--   retention_ms, label.
-- Result: attempts, fencing_token; no row if the record has changed.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = 'running', fingerprint = coalesce(fingerprint, $5), label = coalesce(label, $11), attempts = attempts + 1,
  losses = $6, lease_id = $7,
  last_error = CASE
    WHEN state = 'running' THEN format('attempt %s was lost: its lease ended without a word', attempts)
    ELSE last_error
  END,
  fencing_token = greatest(fencing_token + 1, hookonce.now_us()), claimed_at = hookonce.now_ms(),
  lease_ends_at = hookonce.now_ms() + least($8::bigint, $9::bigint), settled_at = NULL,
  expires_at = CASE
    WHEN round IS NULL
      THEN hookonce.now_ms() + least($8::bigint, $9::bigint) + greatest($9::bigint, $10::bigint)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + least($8::bigint, $9::bigint) END,
  lock_ttl_ms = $9::bigint, retention_ms = $10::bigint, lease_ms = least($8::bigint, $9::bigint), begun = true,
  earlier_attempts = earlier_attempts + (state = 'running' AND NOT begun)::integer,
  history = hookonce.history_with_last(records),
  history_id = CASE WHEN state = 'pending' THEN history_id ELSE id END
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND fencing_token = $3::bigint AND state = $4 AND expires_at > hookonce.now_ms()
  AND (state IN ('failed', 'pending') OR (state = 'running' AND lease_ends_at <= hookonce.now_ms()))
RETURNING attempts, fencing_token
