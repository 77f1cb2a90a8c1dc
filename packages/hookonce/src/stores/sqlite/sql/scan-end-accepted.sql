-- As scan-end.sql, for accepted records in the order of their creation, newest first.
-- Parameters: created_at and id before which the step starts, the earliest created_at, most rows - 1.
-- Result: created_at and id of the step's last record; no row if fewer are left.
SELECT created_at, id FROM records
WHERE round IS NOT NULL AND (created_at, id) < (?, ?) AND created_at >= ?
ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?
