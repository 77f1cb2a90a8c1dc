-- The store's clock, for the caller's thread, where Date may have been replaced (by a test's fake timers).
-- Result: milliseconds since the epoch.
SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) AS now
