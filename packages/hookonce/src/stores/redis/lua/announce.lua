#!lua flags=allow-oom
-- Tells everybody who watches a queue that something in it is due.
-- KEYS[1] the queue's agenda; the channel of its watchers has the same name. Result: 1.
redis.call('PUBLISH', KEYS[1], '')
return 1
