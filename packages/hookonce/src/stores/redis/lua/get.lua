#!lua flags=no-writes,allow-oom
-- Reads the record.
-- KEYS[1] the record. ARGV: the last byte of its value to read, -1: all.
-- Result: {ms since the epoch, value or ''}.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
return {now, redis.call('GETRANGE', KEYS[1], 0, ARGV[1])}
