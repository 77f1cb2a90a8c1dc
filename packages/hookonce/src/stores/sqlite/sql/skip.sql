-- One scan step of a count: the position a number of records further in the index of hashes.
-- Parameters: hash, id, the number of records - 1.
-- Result: hash and id there; no row if fewer are left.
SELECT hash, id FROM records WHERE (hash, id) > (?, ?) ORDER BY hash, id LIMIT 1 OFFSET ?
