-- As stretch-accepted.sql, over the records of one label.
-- Parameters: the time and the id before which the stretch starts, the earliest time, its length, label.
-- Result: created_at and id of its last record; no row when the rest is shorter than that.
SELECT created_at, id FROM hookonce.records
WHERE label = $5 AND (created_at, id) < ($1::bigint, $2::bigint) AND created_at >= $3::bigint
ORDER BY created_at DESC, id DESC
OFFSET $4::bigint - 1 LIMIT 1
