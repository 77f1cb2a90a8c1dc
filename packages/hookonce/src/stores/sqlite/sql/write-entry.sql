-- Adds an entry to a list of the journal, or replaces the one with its id.
-- Parameters: list, id, at, expires at, value.
INSERT INTO hookonce_journal (list, id, at, expires_at, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (list, id) DO UPDATE SET at = excluded.at, expires_at = excluded.expires_at, value = excluded.value
