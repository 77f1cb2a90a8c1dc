-- From now on the transaction can be committed.
-- Result: 1 change, or 0 if the guarded transaction has ended.
DELETE FROM temp.hookonce_guard
