-- A queued record does not expire, so that accepting it and each step of its attempts leave this index alone.
DROP INDEX records_by_expiry;
CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at < 8640000000000000;

-- A small delivery is in its record, so that one row is written and read. Large ones, and those of earlier versions, are
-- in `deliveries`. It is the last column, so that the others are read without it.
ALTER TABLE records ADD COLUMN delivery BLOB;
