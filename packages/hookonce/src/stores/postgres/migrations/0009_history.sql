-- Expand only: earlier versions keep working. What a record tells of its attempts before the last one, nine lines at most, and
-- how the last one failed. No first attempt writes these columns, and no index has one.
-- Earlier versions leave them as they are, when another attempt or another record takes the row. So each says whose it is:
-- outcome that of the attempt with this token, history that of the record with this id.
ALTER TABLE hookonce.records
  ADD COLUMN outcome text,
  ADD COLUMN outcome_token bigint,
  ADD COLUMN history text[],
  ADD COLUMN history_id bigint;

-- The history of a record whose next attempt or round begins. A pending record's last attempt is in it, if it had one.
-- The planner inlines this function.
CREATE FUNCTION hookonce.history_with_last(r hookonce.records) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $body$
  SELECT CASE
    WHEN r.state = 'pending' THEN r.history
    ELSE (CASE WHEN r.history_id = r.id THEN r.history[cardinality(r.history) - 7:] END) || concat_ws(' ',
      r.attempts, r.fencing_token, left(split_part(r.lease_id, '.', 1), 8), r.claimed_at,
      greatest(0, coalesce(r.settled_at, hookonce.now_ms()) - r.claimed_at),
      CASE r.state
        WHEN 'running' THEN 'lost'
        WHEN 'completed' THEN 'recorded'
        ELSE coalesce(CASE WHEN r.outcome_token = r.fencing_token THEN r.outcome END, 'failed')
      END)
  END
$body$;

UPDATE hookonce.meta SET version = 9 WHERE id = 1;
