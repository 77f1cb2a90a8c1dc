-- The whole record, with its history.
-- Parameters: hash, scope, key, now.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at, lease_ends_at,
  settled_at, expires_at, last_error, due_at, grp, round, earlier_attempts, label, result, delivery, attempt, outcome,
  earlier
FROM records LEFT JOIN hookonce_histories USING (id)
WHERE hash = ? AND scope = ? AND key = ? AND expires_at > ?
