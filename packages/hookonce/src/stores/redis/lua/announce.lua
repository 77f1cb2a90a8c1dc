#!lua flags=allow-oom
-- Publishes that something in a queue is due.
-- KEYS[1] the queue's agenda; its channel has the same name. Result: 1.
redis.call('PUBLISH', KEYS[1], '')
return 1
