#!lua flags=no-writes,allow-oom
-- Reads a queue's log, newest first.
-- KEYS[1] the log. ARGV: from and until which microsecond of acceptance, most.
-- Result: its entries, whose ids begin with the microsecond, and whose only value is the name of the record.
return redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
