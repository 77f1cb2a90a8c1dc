-- Claims due records of a scope, longest due first. Those that have lost too many attempts die instead.
-- Parameters: scope, limit, lease_id, lease_ms, lock_ttl_ms, max_losses, the last error of those that die.
-- Result: key, attempts, fencing_token, created_at, due_at, grp, round, earlier_attempts, delivery, and whether it was taken
--   over, of each claimed record; key NULL for each that died.
-- By ctid, because the planner expects ten elements of any array, and a tenth of the table for a LIMIT that is a parameter:
-- it would read the whole table.
-- Skips records that another transaction has locked. If one of these blocks its group, the transaction that ends it
-- unblocks the next record.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
due AS MATERIALIZED (
  SELECT ctid, id, due_at, state = 'running' AS runs
  FROM hookonce.records
  WHERE scope = $1 AND due_at <= hookonce.now_ms() AND NOT blocked
  ORDER BY due_at
  LIMIT $2::bigint
  FOR UPDATE SKIP LOCKED
),
claimed AS (
  UPDATE hookonce.records SET
    state = 'running', attempts = attempts + 1, losses = losses + (state = 'running' AND begun)::integer,
    earlier_attempts = earlier_attempts + (state = 'running' AND NOT begun)::integer, lease_id = $3,
    last_error = CASE
      WHEN state = 'running' THEN format('attempt %s was lost: its lease ended without a word', attempts)
      ELSE last_error
    END,
    fencing_token = greatest(fencing_token + 1, hookonce.now_us()), claimed_at = hookonce.now_ms(),
    lease_ends_at = hookonce.now_ms() + least($4::bigint, $5::bigint), settled_at = NULL, lock_ttl_ms = $5::bigint,
    due_at = hookonce.now_ms() + least($4::bigint, $5::bigint), lease_ms = least($4::bigint, $5::bigint), begun = false,
    history = hookonce.history_with_last(records),
    history_id = CASE WHEN state = 'pending' THEN history_id ELSE id END
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) AND losses + (state = 'running' AND begun)::integer < $6::integer
  RETURNING id, key, attempts, fencing_token, created_at, due_at, grp, round, earlier_attempts, delivery
),
died AS (
  UPDATE hookonce.records SET
    state = 'dead', losses = losses + (state = 'running' AND begun)::integer, last_error = $7, settled_at = hookonce.now_ms(),
    expires_at = hookonce.now_ms() + retention_ms, due_at = NULL, dead_until = hookonce.now_ms() + retention_ms,
    outcome = 'lost', outcome_token = fencing_token
  FROM lock_timeout
  WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) AND losses + (state = 'running' AND begun)::integer >= $6::integer
  RETURNING scope, key, grp, watched
),
notified AS MATERIALIZED (
  SELECT CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
    CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
  FROM (SELECT * FROM died ORDER BY grp) AS d
)
SELECT key, attempts, fencing_token, created_at, c.due_at, grp, round, earlier_attempts, delivery, d.runs, d.due_at AS since, id
FROM claimed c JOIN due d USING (id)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM notified
ORDER BY since, id
