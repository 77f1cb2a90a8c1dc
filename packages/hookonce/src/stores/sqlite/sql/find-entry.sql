-- One entry of a list.
-- Parameters: list, id, now.
SELECT id, at, value FROM hookonce_journal WHERE list = ? AND id = ? AND expires_at > ?
