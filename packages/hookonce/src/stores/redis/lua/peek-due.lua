#!lua flags=no-writes,allow-oom
-- Reads since when the first entries of a queue are due, at the earliest. Takes nothing.
-- KEYS[1] the queue's agenda. ARGV: most entries, of the agenda and of the unread part of the stream each.
-- Result: ms since the epoch, a text or a number each.
-- @include stream
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local entries = redis.call('ZRANGE', KEYS[1], 0, now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
local times = {}
for i = 2, #entries, 2 do times[#times + 1] = entries[i] end

local stream = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local last_id = read_position(stream)
if last_id then
  for _, entry in ipairs(redis.pcall('XRANGE', stream, '(' .. last_id, '+', 'COUNT', ARGV[1])) do
    times[#times + 1] = math.min(now, math.floor(string.match(entry[1], '^%d+') / 1000))
  end
end
return times
