-- A time at which the store is known to have been at work; no row when it has no record.
SELECT max(created_at, claimed_at, coalesce(settled_at, 0)) AS at FROM records ORDER BY id DESC LIMIT 1
