-- What was accepted with a record, where it is not in the record.
-- Parameters: id.
SELECT delivery FROM deliveries WHERE id = ?
