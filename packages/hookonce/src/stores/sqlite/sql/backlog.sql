-- How many records of a scope are queued, counted up to a limit, and when the first is due.
-- Parameters: scope, limit, scope.
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM records WHERE scope = ? AND held = 0 AND due_at IS NOT NULL LIMIT ?)) AS queued,
  (SELECT due_at FROM records WHERE scope = ? AND held = 0 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS first_due
