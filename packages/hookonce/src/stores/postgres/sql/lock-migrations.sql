-- One process at a time migrates; the lock ends with the transaction, so that PgBouncer may be in between.
SELECT pg_advisory_xact_lock(hashtext('hookonce.migrations'))
