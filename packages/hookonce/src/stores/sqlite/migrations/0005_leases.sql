-- Expand only: what an earlier version runs works on, and what it writes counts as before.
-- lease_ms: how long the lease was to last that was taken or renewed last; NULL: an earlier version did.
-- begun: 1 unless the attempt that runs may not have begun, for it was taken from the queue and not renewed yet.
ALTER TABLE records ADD COLUMN lease_ms INTEGER;
ALTER TABLE records ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;
