-- The number of migrations that the schema has had, and the number that a version of hookonce must know to use it.
SELECT version, coalesce((to_jsonb(meta)->>'least_version')::integer, 0) FROM hookonce.meta WHERE id = 1
