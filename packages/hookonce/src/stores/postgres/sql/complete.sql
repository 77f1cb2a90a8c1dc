-- Records the results of attempts that hold their records, also after their leases ended.
-- Parameters, one array each, no key twice: scopes, keys, lease ids, start (from 1 on) and length of each result in the
--   bytes; then the bytes of all results.
-- Result: n (from 1 on) and settled_at of each that was recorded.
-- Groups are locked in order, so that two batches never deadlock.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true)),
input AS MATERIALIZED (
  SELECT $1::text[] AS scopes, $2::text[] AS keys, $3::text[] AS lease_ids, $4::integer[] AS starts,
    $5::integer[] AS lengths, $6::bytea AS results
),
requested AS MATERIALIZED (
  SELECT a.scope, a.key, a.lease_id, a.n, substring(results FROM a.start FOR a.length) AS result
  FROM input, unnest(scopes, keys, lease_ids, starts, lengths)
    WITH ORDINALITY AS a (scope, key, lease_id, start, length, n)
),
completed AS (
  UPDATE hookonce.records r SET
    state = 'completed', result = a.result, settled_at = hookonce.now_ms(),
    expires_at = hookonce.now_ms() + retention_ms, due_at = NULL
  FROM requested a, lock_timeout
  WHERE r.scope = a.scope AND r.key = a.key AND r.state = 'running' AND r.lease_id = a.lease_id
    AND r.expires_at > hookonce.now_ms()
  RETURNING a.n, r.settled_at, r.watched, r.scope, r.key, r.grp
)
SELECT n, settled_at, CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END,
  CASE WHEN watched THEN pg_notify('hookonce.records', json_build_array(scope, key)::text) END
FROM (SELECT * FROM completed ORDER BY grp, scope) AS c
