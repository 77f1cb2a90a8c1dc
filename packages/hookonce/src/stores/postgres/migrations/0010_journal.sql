-- Expand only: earlier versions keep working. What operators look at beside the records, see `stores/journal.ts`.
CREATE TABLE hookonce.journal (
  list text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  expires_at bigint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (list, id)
);

CREATE INDEX journal_newest ON hookonce.journal (list, at, id);
CREATE INDEX journal_expired ON hookonce.journal (expires_at);

UPDATE hookonce.meta SET version = 10 WHERE id = 1;
