-- Without blocking writes; not in a transaction.
DROP INDEX CONCURRENTLY IF EXISTS hookonce.records_dead
