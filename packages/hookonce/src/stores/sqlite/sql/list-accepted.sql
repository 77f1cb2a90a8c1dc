-- The matching accepted records of one scan step, newest first.
-- Parameters: created_at and id before which the step starts, created_at and id of its last record, now,
--   scope or NULL, scope, state or NULL, state, limit.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE round IS NOT NULL AND (created_at, id) < (?, ?) AND (created_at, id) >= (?, ?) AND expires_at > ?
  AND (? IS NULL OR scope = ?) AND (? IS NULL OR state = ?)
ORDER BY created_at DESC, id DESC
LIMIT ?
