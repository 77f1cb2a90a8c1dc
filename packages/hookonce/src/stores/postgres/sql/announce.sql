-- Notifies all listeners that something in a scope is due. Not part of accept.sql, because commits that notify wait for
-- each other.
-- Parameters: scope.
SELECT pg_notify('hookonce.records', json_build_array($1::text)::text)
