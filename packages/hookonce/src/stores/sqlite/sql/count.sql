-- The rest of a count: records after a position in the index on expiry.
-- Parameters: expires_at, id.
SELECT count(*) AS records FROM records WHERE (expires_at, id) > (?, ?)
