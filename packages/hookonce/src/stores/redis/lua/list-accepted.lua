#!lua flags=no-writes,allow-oom
-- Reads an acceptance stream, newest first.
-- KEYS[1] the stream. ARGV: first and last microsecond of acceptance, newest first; most entries.
-- Result: its entries. An id begins with the microsecond; the only field is the group, its value the record's name.
return redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
