-- Earlier versions work with this schema.
-- lease_ms: the full length of the lease, as of its claim or last renewal; NULL: written by an earlier version.
-- begun: 0 while the running attempt, claimed from the queue, has not renewed its lease and may not have begun.
ALTER TABLE records ADD COLUMN lease_ms INTEGER;
ALTER TABLE records ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;

-- The number of migrations that a version of hookonce must know to open the file. Only a migration that removes what
-- earlier versions need raises it, so that they may run beside a later version or replace it.
ALTER TABLE meta ADD COLUMN least_version INTEGER NOT NULL DEFAULT 0;
