-- A record keeps the first label that is known. Not with the attempt, which would then write to the index of labels too.
-- Parameters: label, id.
UPDATE records SET label = ? WHERE id = ? AND label IS NULL
