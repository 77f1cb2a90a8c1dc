-- A lease with more time left than its length dates from before the clock stepped back: it now ends after its length.
-- Parameters: scope, key, lease_id.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  lease_ends_at = hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms),
  expires_at = CASE
    WHEN round IS NULL
      THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms) + greatest(lock_ttl_ms, retention_ms)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms) END
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3
  AND lease_ends_at > hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)
