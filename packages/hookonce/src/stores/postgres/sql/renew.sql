-- Renews a live lease. An accepted record is due when it ends.
-- Parameters: scope, key, lease_id, lease_ms.
-- Result: one row; none if the lease is lost.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  lease_ends_at = least(hookonce.now_ms() + $4::bigint, claimed_at + lock_ttl_ms),
  expires_at = CASE
    WHEN round IS NULL
      THEN least(hookonce.now_ms() + $4::bigint, claimed_at + lock_ttl_ms) + greatest(lock_ttl_ms, retention_ms)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN least(hookonce.now_ms() + $4::bigint, claimed_at + lock_ttl_ms) END,
  lease_ms = $4::bigint, begun = true
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3 AND lease_ends_at > hookonce.now_ms()
  AND expires_at > hookonce.now_ms()
RETURNING 1
