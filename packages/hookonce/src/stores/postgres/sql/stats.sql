-- The number of records: counted while the table is small, otherwise the estimate of the last vacuum or analyze, -1 before
-- the first; and all bytes on disk, indexes included.
SELECT
  CASE
    WHEN pg_relation_size(c.oid) < 16777216
      THEN (SELECT count(*) FROM hookonce.records WHERE expires_at > hookonce.now_ms())
    ELSE c.reltuples::bigint
  END AS records,
  pg_total_relation_size(c.oid) AS bytes
FROM pg_class c WHERE c.oid = 'hookonce.records'::regclass
