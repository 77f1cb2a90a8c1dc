#!lua flags=no-writes,allow-oom
-- Tells since when the first entries of a queue are due.
-- KEYS[1] the queue's agenda. ARGV: most.
-- Result: ms since the epoch, a text each.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local entries = redis.call('ZRANGE', KEYS[1], 0, now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
local times = {}
for i = 2, #entries, 2 do times[#times + 1] = entries[i] end
return times
