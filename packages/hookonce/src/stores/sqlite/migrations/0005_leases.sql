-- Expand only: what an earlier version runs works on, and what it writes counts as before.
-- lease_ms: how long the lease was to last that was taken or renewed last; NULL: an earlier version did.
-- begun: 1 unless the attempt that runs may not have begun, for it was taken from the queue and not renewed yet.
ALTER TABLE records ADD COLUMN lease_ms INTEGER;
ALTER TABLE records ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;

-- How many migrations a version of hookonce must know to work here. Raised by a migration that takes away what earlier
-- versions need; others leave it, and an earlier version may start beside a later one, or in its place again.
ALTER TABLE meta ADD COLUMN least_version INTEGER NOT NULL DEFAULT 0;
