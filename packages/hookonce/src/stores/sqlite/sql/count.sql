-- The last scan step of a count: the records after a position in the index of hashes.
-- Parameters: hash, id.
SELECT count(*) AS records FROM records WHERE (hash, id) > (?, ?)
