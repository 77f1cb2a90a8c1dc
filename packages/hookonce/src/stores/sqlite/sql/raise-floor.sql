-- Keeps tokens rising after the row with the highest one is removed.
-- Parameters: the token of the row.
UPDATE meta SET token_floor = max(token_floor, ?) WHERE id = 1
