-- Expand only: earlier versions keep working, and what they write counts as before.
-- lease_ms: the length of the lease at its last claim or renewal; NULL: written by an earlier version.
-- begun: whether the running attempt is known to have begun; one claimed from the queue is from its first renewal on.
ALTER TABLE hookonce.records ADD COLUMN lease_ms bigint;
ALTER TABLE hookonce.records ADD COLUMN begun boolean NOT NULL DEFAULT true;

-- The number of migrations that a version of hookonce must know to use the schema. Only a migration that removes what earlier
-- versions need raises it; otherwise an earlier version can run beside a later one or replace it.
ALTER TABLE hookonce.meta ADD COLUMN least_version integer NOT NULL DEFAULT 0;

UPDATE hookonce.meta SET version = 5 WHERE id = 1;
