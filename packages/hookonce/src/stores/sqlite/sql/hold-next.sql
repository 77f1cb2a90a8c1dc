-- After a record has come back into its group's line: the one behind it is not the first any more.
-- Parameters: scope, group, id of the record.
UPDATE records SET held = 1 WHERE id = (
  SELECT id FROM records WHERE scope = ? AND grp = ? AND due_at IS NOT NULL AND id > ? ORDER BY id LIMIT 1
)
