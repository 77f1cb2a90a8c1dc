-- Removes one entry of a list.
-- Parameters: list, id.
-- Result: a row if it was there.
DELETE FROM hookonce.journal WHERE list = $1 AND id = $2 RETURNING expires_at > hookonce.now_ms()
