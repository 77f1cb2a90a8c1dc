-- The unfinished records of a scope: their number, counted up to a limit, and for how long the first has been due.
-- Parameters: scope, limit.
-- Result: count, ms; the ms are NULL if there are none and negative if none is due.
SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM hookonce.records WHERE scope = $1 AND due_at IS NOT NULL AND NOT blocked LIMIT $2
  ) AS counted) AS in_line,
  hookonce.now_ms() - (
    SELECT due_at FROM hookonce.records WHERE scope = $1 AND due_at IS NOT NULL AND NOT blocked ORDER BY due_at LIMIT 1
  ) AS overdue_ms
