-- As scan-end-accepted.sql, for the records of one label.
-- Parameters: created_at and id before which the step starts, the earliest created_at, most rows, label.
-- Result: created_at and id of the step's last record; no row if fewer are left.
SELECT created_at, id FROM hookonce.records
WHERE label = $5 AND (created_at, id) < ($1::bigint, $2::bigint) AND created_at >= $3::bigint
ORDER BY created_at DESC, id DESC
OFFSET $4::bigint - 1 LIMIT 1
