-- Removes all but the newest entries of a list.
-- Parameters: list, list, now, most.
DELETE FROM hookonce_journal WHERE list = ? AND rowid IN (
  SELECT rowid FROM hookonce_journal WHERE list = ? AND expires_at > ? ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?
)
