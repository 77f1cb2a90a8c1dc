-- The latest time in the newest record, or no row without records. A clock that is behind it has stepped back.
SELECT max(created_at, claimed_at, coalesce(settled_at, 0)) AS at FROM records ORDER BY id DESC LIMIT 1
