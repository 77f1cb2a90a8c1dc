-- The matching records of one scan step, newest first.
-- Parameters: the id before which the step starts, its last id, now, scope or NULL, scope, state or NULL, state, limit.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE id < ? AND id >= ? AND expires_at > ? AND (? IS NULL OR scope = ?) AND (? IS NULL OR state = ?)
ORDER BY id DESC
LIMIT ?
