-- Proves that a write is possible.
-- Parameters: now.
UPDATE meta SET checked_at = max(checked_at + 1, ?) WHERE id = 1
