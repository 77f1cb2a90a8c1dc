-- As scan-end.sql, for accepted records in the order of their creation, newest first.
-- Parameters: created_at and id before which the step starts, the earliest created_at, most rows.
-- Result: created_at and id of the step's last record; no row if fewer are left.
SELECT created_at, id FROM hookonce.records
WHERE round IS NOT NULL AND (created_at, id) < ($1::bigint, $2::bigint) AND created_at >= $3::bigint
ORDER BY created_at DESC, id DESC
OFFSET $4::bigint - 1 LIMIT 1
