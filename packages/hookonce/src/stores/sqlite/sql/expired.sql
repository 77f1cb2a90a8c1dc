-- What purge may remove, longest expired first.
-- Parameters: now, limit.
SELECT id, fencing_token FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
