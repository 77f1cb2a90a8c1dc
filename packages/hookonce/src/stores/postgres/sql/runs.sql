-- Whether a record is there, runs under a live lease, was accepted, is settled for good if it was, and is completed.
-- Parameters: scope, key.
-- Result: runs, accepted, settled, completed; no row when it is absent.
SELECT state = 'running' AND lease_ends_at > hookonce.now_ms(), round IS NOT NULL, due_at IS NULL,
  state = 'completed'
FROM hookonce.records WHERE scope = $1 AND key = $2 AND expires_at > hookonce.now_ms()
