-- The same step of a list by label.
-- Parameters: label, created_at and id before which the stretch starts, the earliest created_at, the stretch's length - 1.
SELECT created_at, id FROM records
WHERE label = ? AND (created_at, id) < (?, ?) AND created_at >= ?
ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?
