-- The wanted records of one stretch, newest first, without their results.
-- Parameters: the id before which the stretch starts, its last id, scope or NULL, state or NULL, limit.
-- Not `scope =`: of a scope that is nearly all of the table the planner would read the index on keys to its end.
SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label
FROM hookonce.records
WHERE id < $1::bigint AND id >= $2::bigint AND expires_at > hookonce.now_ms()
  AND ($3::text IS NULL OR scope || '' = $3::text) AND ($4::text IS NULL OR state = $4::text)
ORDER BY id DESC
LIMIT $5::bigint
