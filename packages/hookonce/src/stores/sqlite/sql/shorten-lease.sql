-- A lease with more time left than its length dates from before the clock stepped back: it now ends after its length.
-- Parameters: 1 its new end, 2 id.
UPDATE records SET
  lease_ends_at = ?1,
  expires_at = iif(round IS NULL, ?1 + max(lock_ttl_ms, retention_ms), expires_at),
  due_at = iif(round IS NULL, NULL, ?1)
WHERE id = ?2
