-- Accepted records are queue entries. round is NULL for records that were only claimed, and no index below has a column that
-- changes for those, so that their updates stay heap-only.
--
-- due_at: when the next attempt is due; NULL once settled for good. grp: the group, of which all unfinished records but one
-- are blocked. delivery: EXTERNAL, so that no update copies a large one.
ALTER TABLE hookonce.records
  ADD COLUMN due_at bigint,
  ADD COLUMN grp text COLLATE "C",
  ADD COLUMN blocked boolean NOT NULL DEFAULT false,
  ADD COLUMN round integer,
  ADD COLUMN earlier_attempts integer NOT NULL DEFAULT 0,
  ADD COLUMN delivery bytea;
ALTER TABLE hookonce.records ALTER COLUMN delivery SET STORAGE EXTERNAL;

-- CREATE INDEX stores the table's number of rows for the planner. For a new table that would be one, the ballast, and plans
-- made from that scan a whole index for one key, also while the table grows. So it counts these rows, which are deleted below.
INSERT INTO hookonce.records (
  scope, key, id, state, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at, expires_at,
  lock_ttl_ms, retention_ms, last_error
)
SELECT 'hookonce ballast', 'light ' || n, -1000 - n, 'failed', 0, 0, '', 0, 0, 4611686018427387904, 0, 0, 0, 0,
  repeat('x', 200)
FROM generate_series(1, 3000) AS n;

-- An unfinished record does not expire, so purge need not read it.
DROP INDEX hookonce.records_due;
CREATE INDEX records_due ON hookonce.records ((claimed_at + retention_ms)) WHERE due_at IS NULL;

-- The queue, without the blocked records of groups.
CREATE INDEX records_queue ON hookonce.records (scope, due_at) WHERE due_at IS NOT NULL AND NOT blocked;

-- The unfinished records of a group in the order of acceptance, the blocked ones apart.
CREATE INDEX records_groups ON hookonce.records (scope, grp, blocked, id) WHERE grp IS NOT NULL AND due_at IS NOT NULL;

-- Lists of accepted records are in this order.
CREATE INDEX records_accepted ON hookonce.records (created_at, id) WHERE round IS NOT NULL;

DELETE FROM hookonce.records WHERE scope = 'hookonce ballast' AND key LIKE 'light %';

-- Held to its end by each transaction that adds a record to a group or ends an attempt of one.
CREATE FUNCTION hookonce.lock_group(in_scope text, in_grp text) RETURNS void LANGUAGE sql
  AS $body$ SELECT pg_advisory_xact_lock(hashtextextended(in_scope || ' ' || in_grp, 7407)) $body$;

-- Unblocks the earliest record of a group, unless one is running. Called after a statement added a record or ended an
-- attempt. In contrast to that statement, each statement in here sees all that was committed before it: under the lock,
-- either an acceptance sees that the running record ended, or the end of that record sees the acceptance.
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
