-- The records of a scope that run under one lease, in the order in which their leases end.
-- Parameters: scope, lease_id.
-- Result: that of claim-due.sql.
SELECT key, attempts, fencing_token, created_at, due_at, grp, round, earlier_attempts, delivery, false
FROM hookonce.records
WHERE scope = $1 AND due_at > hookonce.now_ms() AND NOT blocked AND state = 'running' AND lease_id = $2
ORDER BY due_at, id
