-- Expand only: what an earlier version runs works on. Without a label a record is in no index but those that it was in.
-- By the time of creation, so that a list goes through one label in its order.
ALTER TABLE records ADD COLUMN label TEXT;
CREATE INDEX records_by_label ON records (label, created_at) WHERE label IS NOT NULL;
