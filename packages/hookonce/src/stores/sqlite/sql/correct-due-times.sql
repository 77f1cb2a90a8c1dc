-- After the clock stepped back: no due time stays further ahead than when it was set.
-- Parameters: 1 now.
UPDATE records SET
  due_at = ?1 + CASE
    WHEN state = 'running' THEN coalesce(lease_ms, lock_ttl_ms)
    WHEN state = 'failed' THEN due_at - settled_at
    ELSE 0
  END,
  settled_at = iif(state = 'failed', ?1, settled_at),
  lease_ends_at = iif(state = 'running', ?1 + coalesce(lease_ms, lock_ttl_ms), lease_ends_at)
WHERE id IN (
  SELECT id FROM records WHERE held = 0 AND due_at > ?1
  UNION ALL SELECT id FROM records WHERE held = 1 AND grp IS NOT NULL AND due_at IS NOT NULL
) AND CASE
  WHEN state = 'running' THEN lease_ends_at > ?1 + coalesce(lease_ms, lock_ttl_ms)
  WHEN state = 'failed' THEN settled_at > ?1
  WHEN round = 1 THEN created_at > ?1
  ELSE due_at > ?1
END
