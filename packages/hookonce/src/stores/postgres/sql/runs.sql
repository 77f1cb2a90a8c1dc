-- Whether a record is there, and runs under a live lease.
-- Parameters: scope, key.
-- Result: runs; no row when it is absent.
SELECT state = 'running' AND lease_ends_at > hookonce.now_ms() AS runs
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
