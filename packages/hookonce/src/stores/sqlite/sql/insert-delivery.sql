-- Inserts a large delivery before its record, so that one that is too long for SQLite leaves no record.
-- Parameters: delivery.
-- Result: its rowid, the record's id.
INSERT INTO deliveries (id, delivery) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM records), ?)
