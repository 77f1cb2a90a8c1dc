-- One step of a count: the position a number of records further in the index of hashes, or no row if fewer are left.
-- Parameters: hash, id, the number of records - 1.
SELECT hash, id FROM records WHERE (hash, id) > (?, ?) ORDER BY hash, id LIMIT 1 OFFSET ?
