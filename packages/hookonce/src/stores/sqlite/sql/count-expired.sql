-- As count.sql, for expired records in the index on expiry.
-- Parameters: expires_at, id, now.
SELECT count(*) AS records FROM records
WHERE (expires_at, id) > (?, ?) AND expires_at <= ? AND expires_at < 8640000000000000
