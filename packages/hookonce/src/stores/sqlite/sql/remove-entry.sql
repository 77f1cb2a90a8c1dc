-- Removes one entry of a list.
-- Parameters: list, id, now.
DELETE FROM hookonce_journal WHERE list = ? AND id = ? AND expires_at > ?
