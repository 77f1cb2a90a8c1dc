#!lua flags=no-writes,allow-oom
-- Tells what is in line of a queue.
-- KEYS[1] the queue's agenda.
-- Result: how many entries are unfinished, and for how many ms the first of them has been due, 0 if it is not.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local first = redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local overdue = first[2] and math.max(0, now - tonumber(first[2])) or 0
return {redis.call('ZCOUNT', KEYS[1], 0, '+inf'), overdue}
