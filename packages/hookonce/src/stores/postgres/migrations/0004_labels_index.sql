-- Rows for CREATE INDEX to count, as in migration 2.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0
FROM generate_series(1, 6000) AS n
WHERE pg_relation_size('hookonce.records') < 8388608;

-- Lists by label are in this order. No attempt changes a column of it. Not in the migration that adds the column, because on
-- a large table the index is built CONCURRENTLY between the two, without blocking writes.
CREATE INDEX IF NOT EXISTS records_by_label ON hookonce.records (label, created_at, id) WHERE label IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

UPDATE hookonce.meta SET version = 4 WHERE id = 1;
