-- What became of a transaction whose COMMIT had no answer: waits until it has ended, for it holds the row.
-- Parameters: scope, key, for how many milliseconds to wait.
-- Result: id, state, lease_id, settled_at, of an expired or deleted row too.
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', $3, true))
SELECT id, state, lease_id, settled_at FROM hookonce.records, patience WHERE scope = $1 AND key = $2
FOR UPDATE OF records
