-- The number of migrations the schema has had, and how many a version of hookonce must know to work with it.
SELECT version, coalesce((to_jsonb(meta)->>'least_version')::integer, 0) FROM hookonce.meta WHERE id = 1
