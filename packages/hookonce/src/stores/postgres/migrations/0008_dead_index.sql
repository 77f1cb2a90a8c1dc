-- Rows for CREATE INDEX to count, as in migration 2.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0
FROM generate_series(1, 8000) AS n
WHERE pg_relation_size('hookonce.records') < 8388608;

-- Dead records are counted by it. As the index of labels it is built CONCURRENTLY before, if the table is large.
CREATE INDEX IF NOT EXISTS records_dead ON hookonce.records (scope, dead_until) WHERE dead_until IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

UPDATE hookonce.meta SET version = 8 WHERE id = 1;
