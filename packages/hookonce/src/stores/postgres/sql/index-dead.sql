-- The index of migration 8, without blocking writes; not in a transaction.
CREATE INDEX CONCURRENTLY records_dead ON hookonce.records (scope, dead_until) WHERE dead_until IS NOT NULL
