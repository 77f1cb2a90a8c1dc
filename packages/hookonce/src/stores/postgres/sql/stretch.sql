-- One step of a list: how far a stretch of rows reaches, so that no step is long however rare the wanted records are.
-- Parameters: the id before which the stretch starts, its length.
-- Result: lowest, the last id of the stretch; NULL past the end. Below 1 is the ballast, which is no record.
SELECT min(id) AS lowest
FROM (SELECT id FROM hookonce.records WHERE id < $1::bigint AND id > 0 ORDER BY id DESC LIMIT $2::bigint) AS stretch
