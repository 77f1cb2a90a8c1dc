#!lua flags=no-writes,allow-oom
-- Tells what is in line of a queue.
-- KEYS[1] the queue's agenda.
-- Result: how many entries are unfinished or were not looked at yet, and for how many ms the first of them has been due,
--   0 if it is not.
local MOST_LOOKS = 100
-- As if of a record that is in no state and due at no time: it is gone, or is none.
local NO_FACTS = '-' .. struct.pack('<xd', 0)

local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local count = redis.call('ZCOUNT', KEYS[1], 0, '+inf')
local first = redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local since = tonumber(first[2] or now)

local log = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local reader = redis.pcall('XINFO', 'GROUPS', log)[1] or {}
for i = 1, #reader, 2 do
  if reader[i] == 'lag' then count = count + (reader[i + 1] or 0) end
  if reader[i] == 'last-delivered-id' then
    -- What was delayed, or is settled by now, is not due.
    for _, entry in ipairs(redis.pcall('XRANGE', log, '(' .. reader[i + 1], '+', 'COUNT', MOST_LOOKS)) do
      local facts = redis.pcall('GETRANGE', entry[2][2], 0, 9)
      local state, due = struct.unpack('<c1xd', type(facts) == 'string' and #facts == 10 and facts or NO_FACTS)
      if (state == 'P' or state == 'R' or state == 'F') and due <= now then
        since = math.min(since, due)
        break
      end
    end
  end
end
return {count, math.max(0, now - since)}
