-- What is in line does not expire and has no entry here until it is settled: accepting makes one entry less, and each step
-- of an attempt leaves the index alone.
DROP INDEX records_by_expiry;
CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at < 8640000000000000;

-- A small delivery lies in its record: one row to write, and one to read. Large ones, and those that were accepted before,
-- are in `deliveries`. In the last place, so that what is looked for comes before it.
ALTER TABLE records ADD COLUMN delivery BLOB;
