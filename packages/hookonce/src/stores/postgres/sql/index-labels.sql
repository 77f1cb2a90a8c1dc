-- The index of migration 4, without blocking writes; not in a transaction.
CREATE INDEX CONCURRENTLY records_by_label ON hookonce.records (label, created_at, id) WHERE label IS NOT NULL
