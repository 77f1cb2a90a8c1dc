-- The outcome of a transaction whose COMMIT got no answer: waits for its lock on the row.
-- Parameters: scope, key, most milliseconds to wait.
-- Result: id, state, lease_id, settled_at, also of an expired or deleted row.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', $3, true))
SELECT id, state, lease_id, settled_at FROM hookonce.records, lock_timeout WHERE scope = $1 AND key = $2
FOR UPDATE OF records
