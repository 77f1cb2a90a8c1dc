-- The same step in the index on expiry, of a count of what is expired.
-- Parameters: expires_at, id, now, the number - 1.
SELECT expires_at, id FROM records
WHERE (expires_at, id) > (?, ?) AND expires_at <= ? AND expires_at < 8640000000000000
ORDER BY expires_at, id LIMIT 1 OFFSET ?
