-- Expand only: earlier versions keep working. dead_until: until when a dead record is kept, otherwise NULL. A column of its own,
-- because an index whose condition is on state would prevent heap-only completions. Earlier versions do not write it, so it
-- only says where to look: the record decides.
ALTER TABLE hookonce.records ADD COLUMN dead_until bigint;

UPDATE hookonce.meta SET version = 6 WHERE id = 1;
