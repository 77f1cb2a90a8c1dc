-- At or above every token of a removed row.
SELECT token_floor FROM meta WHERE id = 1
