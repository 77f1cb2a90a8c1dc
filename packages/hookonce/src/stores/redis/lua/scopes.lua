#!lua flags=no-writes,allow-oom
-- KEYS[1] the set of scopes. Result: those in which something was accepted once.
return redis.call('SMEMBERS', KEYS[1])
