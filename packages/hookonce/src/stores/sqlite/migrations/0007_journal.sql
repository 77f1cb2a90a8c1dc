-- Earlier versions work with this schema. What operators look at beside the records, see `stores/journal.ts`.
CREATE TABLE hookonce_journal (
  list TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (list, id)
) STRICT;

CREATE INDEX hookonce_journal_newest ON hookonce_journal (list, at DESC, id DESC);
CREATE INDEX hookonce_journal_expired ON hookonce_journal (expires_at);
