-- The first and the last id; NULL if there are no records.
SELECT (SELECT min(id) FROM records) AS first, (SELECT max(id) FROM records) AS last
