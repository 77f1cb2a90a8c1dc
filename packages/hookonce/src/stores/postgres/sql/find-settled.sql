-- Whether this attempt has settled its record before (a command that was sent twice).
-- Parameters: scope, key, lease_id, states.
-- Result: settled_at.
SELECT settled_at FROM hookonce.records
WHERE scope = $1 AND key = $2 AND lease_id = $3 AND state = ANY ($4::text[]) AND expires_at > hookonce.now_ms()
