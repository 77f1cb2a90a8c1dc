-- Stores the time. If that is before the last stored time, the clock stepped back: no due time stays further ahead than
-- when it was set.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
last_check AS MATERIALIZED (SELECT checked_at FROM hookonce.meta WHERE id = 1),
corrected AS (
  UPDATE hookonce.records SET
    due_at = hookonce.now_ms() + CASE
      WHEN state = 'running' THEN coalesce(lease_ms, lock_ttl_ms)
      WHEN state = 'failed' THEN due_at - settled_at
      ELSE 0
    END,
    settled_at = CASE WHEN state = 'failed' THEN hookonce.now_ms() ELSE settled_at END,
    lease_ends_at = CASE
      WHEN state = 'running' THEN hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)
      ELSE lease_ends_at
    END
  FROM lock_timeout
  WHERE (SELECT checked_at FROM last_check) > hookonce.now_ms() AND due_at > hookonce.now_ms() AND CASE
    WHEN state = 'running' THEN lease_ends_at > hookonce.now_ms() + coalesce(lease_ms, lock_ttl_ms)
    WHEN state = 'failed' THEN settled_at > hookonce.now_ms()
    WHEN round = 1 THEN created_at > hookonce.now_ms()
    ELSE true
  END
)
UPDATE hookonce.meta SET checked_at = hookonce.now_ms() FROM lock_timeout WHERE id = 1
