-- One step of a list: the end of a stretch of rows. It bounds the step, because matching rows may be rare.
-- Parameters: the id before which the stretch starts, its length.
-- Result: lowest, the last id of the stretch; NULL past the end.
SELECT min(id) AS lowest FROM (SELECT id FROM records WHERE id < ? ORDER BY id DESC LIMIT ?)
