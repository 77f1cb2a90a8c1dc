-- Whether to read the whole table would take longer than those who write may wait.
SELECT pg_relation_size('hookonce.records') > 67108864 AS is_large
