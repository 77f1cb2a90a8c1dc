-- As skip.sql, for expired records in the index on expiry.
-- Parameters: expires_at, id, now, the number of records - 1.
-- Result: expires_at and id there; no row if fewer are left.
SELECT expires_at, id FROM records
WHERE (expires_at, id) > (?, ?) AND expires_at <= ? AND expires_at < 8640000000000000
ORDER BY expires_at, id LIMIT 1 OFFSET ?
