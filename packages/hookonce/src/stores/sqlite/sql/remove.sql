-- Removes a row, in a transaction that also raises the token floor.
-- Parameters: id.
DELETE FROM records WHERE id = ?
