-- Keeps tokens rising over the deletion of the row that holds the last one.
-- Parameters: the token of a row that is about to be removed.
UPDATE meta SET token_floor = max(token_floor, ?) WHERE id = 1
