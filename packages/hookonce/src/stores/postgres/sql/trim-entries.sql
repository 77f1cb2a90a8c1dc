-- Removes all but the newest entries of a list.
-- Parameters: list, most.
-- Result: the number of removed entries.
WITH surplus AS MATERIALIZED (
  SELECT id FROM hookonce.journal WHERE list = $1 AND expires_at > hookonce.now_ms()
  ORDER BY at DESC, id DESC OFFSET $2::bigint
),
removed AS (
  DELETE FROM hookonce.journal WHERE list = $1 AND id IN (SELECT id FROM surplus) RETURNING id
)
SELECT count(*) FROM removed
