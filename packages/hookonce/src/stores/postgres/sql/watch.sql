-- Marks records as watched, so that the end of an attempt is notified.
-- Parameters, one array each: scopes, keys.
WITH lock_timeout AS MATERIALIZED (SELECT set_config('lock_timeout', '200', true))
UPDATE hookonce.records r SET watched = true
FROM unnest($1::text[], $2::text[]) AS a (scope, key), lock_timeout
WHERE r.scope = a.scope AND r.key = a.key AND NOT r.watched
