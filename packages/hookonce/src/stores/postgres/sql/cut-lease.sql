-- A lease that ends further ahead than it was to last, for the clock stepped back, ends after its own length.
-- Parameters: scope, key, lease_id.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  lease_ends_at = hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms),
  expires_at = CASE
    WHEN round IS NULL
      THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms) + greatest(lock_ttl_ms, retention_ms)
    ELSE expires_at
  END,
  due_at = CASE WHEN round IS NOT NULL THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms) END
FROM patience
WHERE scope = $1 AND key = $2 AND state = 'running' AND lease_id = $3
  AND lease_ends_at > hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)
