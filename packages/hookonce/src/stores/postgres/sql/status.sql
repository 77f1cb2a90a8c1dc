-- Why an operation could not change a record.
-- Parameters: scope, key.
-- Result: runs under a live lease, accepted, settled for good if it was accepted, completed, runs under any lease; no row
--   if it is absent.
SELECT state = 'running' AND lease_ends_at > hookonce.now_ms(), round IS NOT NULL, due_at IS NULL,
  state = 'completed', state = 'running'
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
