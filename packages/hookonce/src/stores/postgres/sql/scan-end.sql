-- The end of one scan step of a list. It limits the step to a number of rows, however few of them match.
-- Parameters: the id before which the step starts, most rows.
-- Result: the last id of the step; NULL if no row is left. Ids below 1 are those of ballast rows, which are no records.
SELECT min(id) AS lowest
FROM (SELECT id FROM hookonce.records WHERE id < $1::bigint AND id > 0 ORDER BY id DESC LIMIT $2::bigint) AS step
