-- The matching records of one scan step, newest first, without their results.
-- Parameters: the id before which the step starts, its last id, scope or NULL, state or NULL, limit.
-- Not `scope =`: if nearly all of the table is of the scope, the planner would read the whole index on keys.
SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label
FROM hookonce.records
WHERE id < $1::bigint AND id >= $2::bigint AND expires_at > hookonce.now_ms()
  AND ($3::text IS NULL OR scope || '' = $3::text) AND ($4::text IS NULL OR state = $4::text)
ORDER BY id DESC
LIMIT $5::bigint
