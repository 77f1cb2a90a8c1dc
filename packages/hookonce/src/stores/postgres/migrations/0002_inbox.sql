-- Accepted records: queue entries. round is NULL for records that were only claimed, and nothing below holds anything
-- that changes in their lives, so that their updates stay heap-only.
--
-- due_at: when the next attempt is due; NULL once settled for good. grp: the group; its unfinished records are blocked
-- but for one. delivery: what was accepted; out of line where a row is large, so that no update copies it.
ALTER TABLE hookonce.records
  ADD COLUMN due_at bigint,
  ADD COLUMN grp text COLLATE "C",
  ADD COLUMN blocked boolean NOT NULL DEFAULT false,
  ADD COLUMN round integer,
  ADD COLUMN earlier_attempts integer NOT NULL DEFAULT 0,
  ADD COLUMN delivery bytea;
ALTER TABLE hookonce.records ALTER COLUMN delivery SET STORAGE EXTERNAL;

-- Each CREATE INDEX notes the table's number of rows for the planner. Of a new table it would note one, the ballast's, and
-- plans made of that read a whole index for one key, and go on so while it grows. So it finds more, which go again below.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms, last_error
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0,
  repeat('x', 200)
FROM generate_series(1, 3000) AS n;

-- What is still to be attempted does not expire: purge never passes over it.
DROP INDEX hookonce.records_due;
CREATE INDEX records_due ON hookonce.records ((claimed_at + retention_ms)) WHERE due_at IS NULL;

-- The queue. What waits for its group is not in it.
CREATE INDEX records_queue ON hookonce.records (scope, due_at) WHERE due_at IS NOT NULL AND NOT blocked;

-- A group's records in the order in which they were accepted, the one whose turn it is apart.
CREATE INDEX records_groups ON hookonce.records (scope, grp, blocked, id) WHERE grp IS NOT NULL AND due_at IS NOT NULL;

-- The order of the list of accepted records.
CREATE INDEX records_accepted ON hookonce.records (created_at, id) WHERE round IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

-- Held until the transaction ends by whoever adds to a group or ends an attempt of it.
CREATE FUNCTION hookonce.lock_group(in_scope text, in_grp text) RETURNS void LANGUAGE sql
  AS $body$ SELECT pg_advisory_xact_lock(hashtextextended(in_scope || ' ' || in_grp, 7407)) $body$;

-- Gives the turn of a group to its earliest record, unless one is running; called by whatever adds a record or ends an
-- attempt, after it did. Each statement in here sees what was committed before it, as nothing in the calling statement
-- can: under the lock, either an acceptance sees that the head has ended, or the end sees what was accepted.
CREATE FUNCTION hookonce.give_turn(in_scope text, in_grp text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  head bigint;
BEGIN
  IF current_setting('transaction_isolation') = 'repeatable read' THEN
    RAISE EXCEPTION 'groups need transactions at read committed, or serializable';
  END IF;
  PERFORM hookonce.lock_group(in_scope, in_grp);
  SELECT id INTO head FROM hookonce.records
  WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND NOT blocked AND state = 'running'
  ORDER BY id LIMIT 1;
  IF head IS NULL THEN
    SELECT least(
      (SELECT id FROM hookonce.records WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND NOT blocked
       ORDER BY id LIMIT 1),
      (SELECT id FROM hookonce.records WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND blocked
       ORDER BY id LIMIT 1)
    ) INTO head;
  END IF;
  UPDATE hookonce.records SET blocked = true
  WHERE scope = in_scope AND grp = in_grp AND due_at IS NOT NULL AND NOT blocked AND id <> head;
  UPDATE hookonce.records SET blocked = false WHERE id = head AND blocked;
END
$body$;

UPDATE hookonce.meta SET version = 2 WHERE id = 1;
