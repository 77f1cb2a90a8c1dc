-- What was accepted with a record.
-- Parameters: id.
SELECT delivery FROM deliveries WHERE id = ?
