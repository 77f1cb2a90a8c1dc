-- One step of a count: the position a number of records further on in the index on expiry, or no row when there are fewer.
-- Parameters: expires_at, id, the number - 1.
SELECT expires_at, id FROM records WHERE (expires_at, id) > (?, ?) ORDER BY expires_at, id LIMIT 1 OFFSET ?
