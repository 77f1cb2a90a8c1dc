-- The whole record.
-- Parameters: scope, key, now.
SELECT records.*, delivery FROM records LEFT JOIN deliveries USING (id) WHERE scope = ? AND key = ? AND expires_at > ?
