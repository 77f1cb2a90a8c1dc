-- Earlier versions work with this schema. What a record keeps of its attempts, once one of them failed or another followed
-- it. A table of its own, because SQLite reads all rows of a STRICT table that gets a column.
-- id: its record's. attempt: the number of the one that `outcome` is of. Earlier versions fail attempts without a word.
-- earlier: a line for each attempt before the last one, oldest first.
CREATE TABLE hookonce_histories (
  id INTEGER PRIMARY KEY,
  attempt INTEGER,
  outcome TEXT,
  earlier TEXT
) STRICT;

-- Whoever removes a record: the next one may get its id.
CREATE TRIGGER hookonce_history_removed AFTER DELETE ON records
BEGIN
  DELETE FROM hookonce_histories WHERE id = old.id;
END;
