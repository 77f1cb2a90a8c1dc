-- A large delivery, before the record that it belongs to: one that is too long for the file leaves nothing behind.
-- Parameters: delivery.
-- Result: its rowid, the record's id.
INSERT INTO deliveries (id, delivery) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM records), ?)
