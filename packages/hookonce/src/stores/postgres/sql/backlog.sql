-- The unfinished records of a scope: their number, counted up to a limit, and for how long the first has been due; and the
-- number of dead ones, counted among so many.
-- Parameters: scope, limit.
-- Result: count, ms, count; the ms are NULL if nothing is unfinished and negative if nothing is due.
-- A version before migration 6 may have redriven or deleted what the index has as dead.
SELECT
  (SELECT count(*) FROM (
    SELECT 1 FROM hookonce.records WHERE scope = $1 AND due_at IS NOT NULL AND NOT blocked LIMIT $2
  ) AS counted) AS in_line,
  hookonce.now_ms() - (
    SELECT due_at FROM hookonce.records WHERE scope = $1 AND due_at IS NOT NULL AND NOT blocked ORDER BY due_at LIMIT 1
  ) AS overdue_ms,
  (SELECT count(*) FROM (
    SELECT state, expires_at FROM hookonce.records WHERE scope = $1 AND dead_until > hookonce.now_ms() LIMIT $2
  ) AS died WHERE state = 'dead' AND expires_at > hookonce.now_ms()) AS dead
