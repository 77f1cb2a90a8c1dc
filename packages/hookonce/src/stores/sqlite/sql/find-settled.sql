-- How this attempt has settled its record, for a command that is sent again.
-- Parameters: hash, scope, key, lease_id, now.
SELECT state, settled_at FROM records
WHERE hash = ? AND scope = ? AND key = ? AND lease_id = ? AND settled_at IS NOT NULL AND expires_at > ?
