-- Whether the schema and its tables exist. Read from the catalog's tables: to_regclass may answer from a cache that waiting
-- for an advisory lock does not refresh.
-- Parameters: the schema's name.
-- Result: the server's version as a number, whether the schema exists, whether it has our tables.
SELECT current_setting('server_version_num')::integer, n.oid IS NOT NULL, c.oid IS NOT NULL
FROM (SELECT $1::name AS name) AS wanted
LEFT JOIN pg_namespace n ON n.nspname = wanted.name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'meta'
