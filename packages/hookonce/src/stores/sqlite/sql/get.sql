-- The whole record.
-- Parameters: hash, scope, key, now.
SELECT records.*, delivery FROM records LEFT JOIN deliveries USING (id) WHERE hash = ? AND scope = ? AND key = ? AND expires_at > ?
