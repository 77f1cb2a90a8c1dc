-- One step of a list of accepted records: the last record of a stretch, or no row if fewer are left.
-- Parameters: created_at and id before which the stretch starts, the earliest created_at, the stretch's length - 1.
SELECT created_at, id FROM records
WHERE round IS NOT NULL AND (created_at, id) < (?, ?) AND created_at >= ?
ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?
