-- Dead records, newest first.
-- Parameters: created_at and id before which the page starts, the earliest created_at, now, scope or NULL, scope, limit.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label
FROM records
WHERE state = 'dead' AND (created_at, id) < (?, ?) AND created_at >= ? AND expires_at > ? AND (? IS NULL OR scope = ?)
ORDER BY created_at DESC, id DESC
LIMIT ?
