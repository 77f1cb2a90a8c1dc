-- Deletes expired rows, longest expired first, and raises the token floor. Processes may purge at once.
-- A row whose token is not ten seconds below the clock stays: a claim that read the floor before and then finds the row gone
-- takes its token from the clock, which must be higher.
-- By ctid, because the planner expects a tenth of the table for a LIMIT that is a parameter.
-- Parameters: limit.
-- Result: the number of deleted rows.
WITH due AS MATERIALIZED (
  SELECT ctid FROM hookonce.records
  WHERE due_at IS NULL AND claimed_at + retention_ms <= hookonce.now_ms() AND expires_at <= hookonce.now_ms()
    AND fencing_token < hookonce.now_us() - 10000000
  ORDER BY claimed_at + retention_ms
  LIMIT $1::bigint
  FOR UPDATE SKIP LOCKED
),
removed AS (
  DELETE FROM hookonce.records WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) RETURNING fencing_token
),
highest AS (SELECT max(fencing_token) AS token FROM removed),
raised AS (
  UPDATE hookonce.meta SET token_floor = h.token FROM highest h WHERE id = 1 AND token_floor < h.token
)
SELECT count(*) AS removed FROM removed
