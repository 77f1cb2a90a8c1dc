-- Proves that writes work.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.meta SET checked_at = greatest(checked_at + 1, hookonce.now_ms()) FROM lock_timeout WHERE id = 1
