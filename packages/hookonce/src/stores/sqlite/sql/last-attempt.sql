-- What is known of a record's last attempt, and of those before.
-- Parameters: id.
SELECT state, attempts, lease_id, fencing_token, claimed_at, settled_at, attempt, outcome, earlier
FROM records LEFT JOIN hookonce_histories USING (id) WHERE id = ?
