-- One entry of a list.
-- Parameters: list, id.
-- Result: id, at, value.
SELECT id, at, value FROM hookonce.journal WHERE list = $1 AND id = $2 AND expires_at > hookonce.now_ms()
