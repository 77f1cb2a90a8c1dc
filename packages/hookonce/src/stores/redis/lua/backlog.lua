#!lua flags=no-writes,allow-oom
-- Counts the unfinished and the dead entries of a queue.
-- KEYS[1] the queue's agenda.
-- Result: how many entries are unfinished or unread, and for how many ms the first of them has been due, 0 if none is;
--   how many are dead and have not expired.
-- @include stream
-- @include dead
local MOST_UNREAD = 100
-- For a key that is gone or holds no record: no state, never due.
local NO_FACTS = '-' .. struct.pack('<xd', 0)

local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local count = redis.call('ZCOUNT', KEYS[1], 0, '+inf')
local first = redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local since = tonumber(first[2] or now)

local stream = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local last_id, unread = read_position(stream)
if last_id then
  -- An unread record need not be due: it may be delayed, or settled meanwhile.
  for _, entry in ipairs(redis.pcall('XRANGE', stream, '(' .. last_id, '+', 'COUNT', MOST_UNREAD)) do
    local facts = redis.pcall('GETRANGE', entry[2][2], 0, 9)
    local state, due = struct.unpack('<c1xd', type(facts) == 'string' and #facts == 10 and facts or NO_FACTS)
    if (state == 'P' or state == 'R' or state == 'F') and due <= now then
      since = math.min(since, due)
      break
    end
  end
end
local dead = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. string.format('%.0f', -(DEAD + now)))
return {count + unread, math.max(0, now - since), dead}
