-- Begins a new round of a settled accepted record.
-- Parameters: scope, key, whether to redrive a completed record too.
-- Result: one row; none if there is no such record.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records SET
  state = 'pending', losses = 0, settled_at = NULL, expires_at = 8640000000000000, result = NULL,
  due_at = hookonce.now_ms(), dead_until = NULL, blocked = grp IS NOT NULL, round = round + 1, earlier_attempts = attempts,
  history = hookonce.history_with_last(records), history_id = id
FROM lock_timeout
WHERE scope = $1 AND key = $2 AND round IS NOT NULL AND due_at IS NULL AND (state = 'dead' OR $3) AND expires_at > hookonce.now_ms()
RETURNING CASE WHEN grp IS NOT NULL THEN hookonce.give_turn(scope, grp) END
