-- The highest token of the rows that were removed, or above it.
SELECT token_floor FROM meta WHERE id = 1
