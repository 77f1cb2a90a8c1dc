-- A delivery that is not in its record.
-- Parameters: id.
SELECT delivery FROM deliveries WHERE id = ?
