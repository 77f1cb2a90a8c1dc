-- Earlier versions work with this schema. The index has created_at, so that a list reads one label in order.
ALTER TABLE records ADD COLUMN label TEXT;
CREATE INDEX records_by_label ON records (label, created_at) WHERE label IS NOT NULL;
