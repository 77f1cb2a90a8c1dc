-- The store's clock for the caller's thread, where a test's fake timers may have replaced Date.
-- Result: milliseconds since the epoch.
SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) AS now
