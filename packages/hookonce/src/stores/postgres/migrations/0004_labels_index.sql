-- The order of the list by label. Without a label a record is not in it, and no attempt changes what is in it. Apart from the
-- column: on a large table it is built CONCURRENTLY first, which nobody waits for.
CREATE INDEX IF NOT EXISTS records_by_label ON hookonce.records (label, created_at, id) WHERE label IS NOT NULL;

UPDATE hookonce.meta SET version = 4 WHERE id = 1;
