-- Proves that a write is possible.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.meta SET checked_at = greatest(checked_at + 1, hookonce.now_ms()) FROM patience WHERE id = 1
