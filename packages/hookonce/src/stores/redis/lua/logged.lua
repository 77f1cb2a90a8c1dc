#!lua flags=no-writes,allow-oom
-- Reads a queue's log, newest first.
-- KEYS[1] the log. ARGV: from and until which microsecond of acceptance, most.
-- Result: of each record its name and the microsecond.
return redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[3], 'WITHSCORES')
