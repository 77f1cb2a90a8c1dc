-- The entries of a list from a time on that come after a position, newest first.
-- Parameters: list, since, time and id of the position, limit.
-- Result: id, at, value.
SELECT id, at, value FROM hookonce.journal
WHERE list = $1 AND expires_at > hookonce.now_ms() AND at >= $2::bigint AND (at, id) < ($3::bigint, $4)
ORDER BY at DESC, id DESC LIMIT $5::bigint
