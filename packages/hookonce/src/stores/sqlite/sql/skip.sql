-- One step of a count: the position a number of records further on in the index of hashes, or no row when there are fewer.
-- Parameters: hash, id, the number - 1.
SELECT hash, id FROM records WHERE (hash, id) > (?, ?) ORDER BY hash, id LIMIT 1 OFFSET ?
