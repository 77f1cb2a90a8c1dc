-- Adds entries to lists of the journal, replaces those with their ids, and removes expired ones.
-- Parameters: arrays of lists, ids, times (null: now), keep_ms, start (from 1 on) and length of each value in the bytes, no list and id
--   twice; the bytes of all values; the most expired entries to remove.
-- In the order of the key, so that two calls never deadlock.
WITH expired AS MATERIALIZED (
  SELECT ctid FROM hookonce.journal WHERE expires_at <= hookonce.now_ms() ORDER BY expires_at LIMIT $8
  FOR UPDATE SKIP LOCKED
),
removed AS (
  DELETE FROM hookonce.journal j USING expired e
  WHERE j.ctid = e.ctid
    AND NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS a (list, id) WHERE a.list = j.list AND a.id = j.id)
)
INSERT INTO hookonce.journal (list, id, at, expires_at, value)
SELECT a.list, a.id, coalesce(a.at, hookonce.now_ms()), hookonce.now_ms() + a.keep_ms, substring($7::bytea FROM a.start FOR a.length)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[])
  AS a (list, id, at, keep_ms, start, length)
ORDER BY a.list COLLATE "C", a.id COLLATE "C"
ON CONFLICT (list, id) DO UPDATE SET at = excluded.at, expires_at = excluded.expires_at, value = excluded.value
