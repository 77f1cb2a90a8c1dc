-- As list-accepted.sql, for the records of one label.
-- Parameters: created_at and id before which the step starts, created_at and id of its last record, scope or NULL, state
--   or NULL, limit, label, whether to list accepted records only.
SELECT id, scope, key, state, fingerprint, attempts, losses, lease_id,
  CASE WHEN attempts > 0 THEN fencing_token ELSE 0 END, created_at, claimed_at, lease_ends_at, settled_at, expires_at,
  last_error, lease_ends_at - hookonce.now_ms(), due_at, grp, round, earlier_attempts, label
FROM hookonce.records
WHERE label = $8 AND (NOT $9::boolean OR round IS NOT NULL) AND (created_at, id) < ($1::bigint, $2::bigint)
  AND (created_at, id) >= ($3::bigint, $4::bigint) AND expires_at > hookonce.now_ms()
  AND ($5::text IS NULL OR scope || '' = $5::text) AND ($6::text IS NULL OR state = $6::text)
ORDER BY created_at DESC, id DESC
LIMIT $7::bigint
