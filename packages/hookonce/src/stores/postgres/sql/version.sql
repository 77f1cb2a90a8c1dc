-- The number of migrations the schema has had.
SELECT version FROM hookonce.meta WHERE id = 1
