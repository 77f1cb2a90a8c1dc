-- Sets the label of a record that has none. Apart from the claim, which would update the index of labels each time.
-- Parameters: label, id.
UPDATE records SET label = ? WHERE id = ? AND label IS NULL
