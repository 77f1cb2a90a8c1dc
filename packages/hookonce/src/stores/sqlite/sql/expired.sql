-- The records that a purge may remove, longest expired first.
-- Parameters: now, limit.
SELECT id, fencing_token FROM records WHERE expires_at <= ? AND expires_at < 8640000000000000 ORDER BY expires_at LIMIT ?
