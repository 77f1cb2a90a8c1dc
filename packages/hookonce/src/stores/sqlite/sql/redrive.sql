-- Starts a new round of a settled record. It is held while an earlier record of its group is in the queue.
-- Parameters: 1 now, 2 id.
UPDATE records SET
  state = 'pending', losses = 0, settled_at = NULL, expires_at = 8640000000000000, result = NULL, due_at = ?1,
  round = round + 1, earlier_attempts = attempts,
  held = EXISTS (
    SELECT 1 FROM records AS earlier
    WHERE earlier.scope = records.scope AND earlier.grp = records.grp AND earlier.due_at IS NOT NULL
      AND earlier.id < records.id
  )
WHERE id = ?2
