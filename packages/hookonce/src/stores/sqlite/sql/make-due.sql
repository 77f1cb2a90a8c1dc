-- Makes a record due that waits for its next attempt.
-- Parameters: now, id.
UPDATE records SET due_at = min(due_at, ?) WHERE id = ?
