-- From now on the transaction cannot be committed.
INSERT INTO temp.hookonce_guard (id, until) VALUES (1, 2)
