-- The end of one scan step of a list. It limits the step to a number of rows, however few of them match.
-- Parameters: the id before which the step starts, most rows.
-- Result: lowest, the last id of the step; NULL if no row is left.
SELECT min(id) AS lowest FROM (SELECT id FROM records WHERE id < ? ORDER BY id DESC LIMIT ?)
