-- The record of an attempt that begins a transaction.
-- Parameters: scope, key, lease_id.
-- Result: id, state, settled_at; no row if the attempt has lost its record.
SELECT id, state, settled_at FROM hookonce.records
WHERE scope = $1 AND key = $2 AND lease_id = $3 AND expires_at > hookonce.now_ms()
