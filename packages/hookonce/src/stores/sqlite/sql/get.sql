-- The whole record.
-- Parameters: scope, key, now.
SELECT * FROM records WHERE scope = ? AND key = ? AND expires_at > ?
