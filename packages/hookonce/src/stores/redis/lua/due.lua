#!lua flags=no-writes,allow-oom
-- Tells since when the first entries of a queue are due, at the earliest.
-- KEYS[1] the queue's agenda. ARGV: most, of its agenda and of what is unread in its log each.
-- Result: ms since the epoch, a text or a number each.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local entries = redis.call('ZRANGE', KEYS[1], 0, now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
local times = {}
for i = 2, #entries, 2 do times[#times + 1] = entries[i] end

local log = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local reader = redis.pcall('XINFO', 'GROUPS', log)[1] or {}
for i = 1, #reader, 2 do
  if reader[i] == 'last-delivered-id' then
    for _, entry in ipairs(redis.pcall('XRANGE', log, '(' .. reader[i + 1], '+', 'COUNT', ARGV[1])) do
      times[#times + 1] = math.min(now, math.floor(string.match(entry[1], '^%d+') / 1000))
    end
  end
end
return times
