-- How many records of a scope are dead, among the first dead ones of all scopes up to a limit.
-- Parameters: limit, scope, now.
SELECT count(*) AS dead
FROM (SELECT scope, expires_at FROM records WHERE state = 'dead' LIMIT ?)
WHERE scope = ? AND expires_at > ?
