-- Expand only: what an earlier version runs works on, and what it writes counts as before.
-- lease_ms: how long the lease was to last that was taken or renewed last; NULL: an earlier version did.
-- begun: whether the attempt that runs is known to have begun; one that was taken from the queue is from its first renewal
-- on.
ALTER TABLE hookonce.records ADD COLUMN lease_ms bigint;
ALTER TABLE hookonce.records ADD COLUMN begun boolean NOT NULL DEFAULT true;

UPDATE hookonce.meta SET version = 5 WHERE id = 1;
