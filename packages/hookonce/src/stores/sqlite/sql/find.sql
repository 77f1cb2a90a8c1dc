-- What a claim or an acceptance decides on: no row most often, else nearly always one. Asked without the texts, for to hand
-- them over costs more than all the rest.
-- Parameters: hash.
SELECT
  id, scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, lease_ends_at, settled_at,
  expires_at, result, grp, round
FROM records WHERE hash = ?
