-- The entries of a list from a time on that come after a position, newest first.
-- Parameters: list, now, since, time and id of the position, limit.
SELECT id, at, value FROM hookonce_journal
WHERE list = ? AND expires_at > ? AND at >= ? AND (at, id) < (?, ?)
ORDER BY at DESC, id DESC LIMIT ?
