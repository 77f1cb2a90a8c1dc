-- What died under earlier versions. It reads the whole table, so it has a transaction of its own, which blocks no writes.
UPDATE hookonce.records SET dead_until = expires_at
WHERE round IS NOT NULL AND state = 'dead' AND expires_at > hookonce.now_ms();

UPDATE hookonce.meta SET version = 7 WHERE id = 1;
