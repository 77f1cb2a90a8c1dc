#!lua flags=no-writes,allow-oom
-- KEYS[1] the set of scopes. Result: the scopes in which something was ever accepted.
return redis.call('SMEMBERS', KEYS[1])
