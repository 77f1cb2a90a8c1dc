-- Whether this attempt has settled its record before (a command that was sent twice).
-- Parameters: scope, key, lease_id, state, now.
-- Result: settled_at.
SELECT settled_at FROM records
WHERE scope = ? AND key = ? AND lease_id = ? AND state = ? AND expires_at > ?
