-- One process at a time migrates. The lock ends with the transaction, so it works through PgBouncer.
SELECT pg_advisory_xact_lock(hashtext('hookonce.migrations'))
