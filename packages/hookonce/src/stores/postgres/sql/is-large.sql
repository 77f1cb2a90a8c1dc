-- Whether reading the whole table would block writes for too long.
SELECT pg_relation_size('hookonce.records') > 67108864 AS is_large
