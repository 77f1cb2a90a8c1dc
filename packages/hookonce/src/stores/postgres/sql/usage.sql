-- The usage of a scope, estimated from a sample of pages if the table has more. Column sizes do not read TOAST.
-- Parameters: scope, most pages.
-- Result: records, bytes.
WITH pages AS (
  SELECT least(1, $2::float8 * current_setting('block_size')::bigint / greatest(pg_relation_size('hookonce.records'), 1))
    AS share
)
SELECT round(count(bytes) / max(share)), round(coalesce(sum(bytes), 0) / max(share))
FROM pages LEFT JOIN (
  SELECT 700 + coalesce(pg_column_size(last_error), 0) + coalesce(pg_column_size(result), 0)
    + coalesce(pg_column_size(delivery), 0) AS bytes
  FROM hookonce.records TABLESAMPLE SYSTEM (
    least(100, 100 * $2::float8 * current_setting('block_size')::bigint / greatest(pg_relation_size('hookonce.records'), 1))
  )
  WHERE scope = $1 AND expires_at > hookonce.now_ms()
) AS kept ON true
