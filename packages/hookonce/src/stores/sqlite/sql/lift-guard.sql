-- From here on it can.
-- Result: 1 change, or 0 when the transaction that the guard was laid in is over.
DELETE FROM temp.hookonce_guard
