-- What a scope keeps in one stretch of ids. SQLite gives the length of a BLOB without reading it.
-- Parameters: 1 scope, 2 now, 3 the first id, 4 the id before which the stretch ends, 5 limit.
-- Result: seen and last, the number and the last id of all rows; records and bytes of the scope.
SELECT count(*) AS seen, max(id) AS last, count(bytes) AS records, total(bytes) AS bytes
FROM (
  SELECT id, CASE WHEN scope = ?1 AND expires_at > ?2 THEN
    200 + length(scope) + length(key) + length(coalesce(fingerprint, '')) + length(coalesce(last_error, ''))
      + coalesce(length(result), 0)
      + coalesce(length(delivery), (SELECT length(d.delivery) FROM deliveries d WHERE d.id = records.id), 0)
  END AS bytes
  FROM records WHERE id >= ?3 AND id < ?4 ORDER BY id LIMIT ?5
)
