-- What a scope keeps among some consecutive records; the lengths of contents are told without reading them.
-- Parameters: 1 scope, 2 now, 3 the first id, 4 the id before which the stretch ends, 5 how many.
-- Result: seen and last, the number and the last id of all that were looked at; records and bytes of the scope.
SELECT count(*) AS seen, max(id) AS last, count(bytes) AS records, total(bytes) AS bytes
FROM (
  SELECT id, CASE WHEN scope = ?1 AND expires_at > ?2 THEN
    200 + length(scope) + length(key) + length(coalesce(fingerprint, '')) + length(coalesce(last_error, ''))
      + coalesce(length(result), 0)
      + coalesce(length(delivery), (SELECT length(d.delivery) FROM deliveries d WHERE d.id = records.id), 0)
  END AS bytes
  FROM records WHERE id >= ?3 AND id < ?4 ORDER BY id LIMIT ?5
)
