-- Expand only: what an earlier version runs works on, and what it writes counts as before.
-- lease_ms: how long the lease was to last that was taken or renewed last; NULL: an earlier version did.
-- begun: whether the attempt that runs is known to have begun; one that was taken from the queue is from its first renewal
-- on.
ALTER TABLE hookonce.records ADD COLUMN lease_ms bigint;
ALTER TABLE hookonce.records ADD COLUMN begun boolean NOT NULL DEFAULT true;

-- How many migrations a version of hookonce must know to work here. Raised by a migration that takes away what earlier
-- versions need; others leave it, and an earlier version may start beside a later one, or in its place again.
ALTER TABLE hookonce.meta ADD COLUMN least_version integer NOT NULL DEFAULT 0;

UPDATE hookonce.meta SET version = 5 WHERE id = 1;
