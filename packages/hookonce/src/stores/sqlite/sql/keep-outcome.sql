-- Keeps how the last attempt of a record failed.
-- Parameters: id, number of the attempt, outcome.
INSERT INTO hookonce_histories (id, attempt, outcome) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET attempt = excluded.attempt, outcome = excluded.outcome
