-- The whole record.
-- Parameters: hash, scope, key, now.
SELECT * FROM records WHERE hash = ? AND scope = ? AND key = ? AND expires_at > ?
