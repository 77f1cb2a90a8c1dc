-- Keeps the lines of the attempts before the one that begins.
-- Parameters: id, lines.
INSERT INTO hookonce_histories (id, earlier) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET earlier = excluded.earlier
