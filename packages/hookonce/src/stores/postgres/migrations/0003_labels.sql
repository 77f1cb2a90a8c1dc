-- Expand only: earlier versions keep working. label: what people search by.
ALTER TABLE hookonce.records ADD COLUMN label text COLLATE "C";

UPDATE hookonce.meta SET version = 3 WHERE id = 1;
