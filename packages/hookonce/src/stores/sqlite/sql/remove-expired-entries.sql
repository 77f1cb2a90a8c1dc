-- Removes expired entries, longest expired first.
-- Parameters: now, most.
DELETE FROM hookonce_journal WHERE rowid IN (
  SELECT rowid FROM hookonce_journal WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
)
