-- What is there, before anything of it is used. Read from the tables of the catalogue: to_regclass may answer from a
-- cache that waiting for an advisory lock does not bring up to date.
-- Parameters: the schema's name.
-- Result: the server's version as a number, whether there is the schema, whether our tables are in it.
SELECT current_setting('server_version_num')::integer, n.oid IS NOT NULL, c.oid IS NOT NULL
FROM (SELECT $1::name AS name) AS wanted
LEFT JOIN pg_namespace n ON n.nspname = wanted.name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'meta'
