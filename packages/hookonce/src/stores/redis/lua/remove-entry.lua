#!lua flags=allow-oom
-- Removes one entry of a list of the journal.
-- KEYS[1] the order of the list, KEYS[2] its entries. ARGV: the id.
-- Result: 1 it was there.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('HGET', KEYS[2], ARGV[1])
if not value then return 0 end
redis.call('ZREM', KEYS[1], string.sub(value, 1, 16) .. ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return struct.unpack('<d', value, 17) > now and 1 or 0
