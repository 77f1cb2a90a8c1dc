-- Holds the record that follows a redriven one in the queue of its group.
-- Parameters: scope, group, id of the redriven record.
UPDATE records SET held = 1 WHERE id = (
  SELECT id FROM records WHERE scope = ? AND grp = ? AND due_at IS NOT NULL AND id > ? ORDER BY id LIMIT 1
)
