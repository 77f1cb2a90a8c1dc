#!lua flags=allow-oom
-- Removes the record. Until it would have expired its fencing token stays, in a value that expired in 1970 and so
-- counts as absent: tokens rise even if the clock steps back, or a failover brings a clock that is behind.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: '1' by force.
-- Result: 1 deleted, 0 absent, 2 running.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, _, lock_ttl, retention, _, token, _, _, _, _, _, rest =
  struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', value)
local unfinished = state == 'P' or state == 'R' or state == 'F'
if now >= expires and not unfinished then return 0 end
if (state == 'r' or state == 'R') and now < lease_ends and ARGV[1] ~= '1' then return 2 end

if unfinished or state == 'C' or state == 'D' then
  -- Just below 0: the next look at the agenda has the log forget it. See value.ts about XX and pcall.
  local _, _, order, queue, group = struct.unpack('<I4I4dI4c0I4c0', value, rest)
  local agenda, member = queue .. ':agenda', string.format('%.0f:', order) .. KEYS[1]
  local queued = unfinished and group ~= '' and queue .. ':group:' .. group
  if not queued then
    redis.pcall('ZADD', agenda, 'XX', -1, member)
  elseif redis.call('ZREM', queued, member) == 1 then
    redis.call('ZADD', agenda, -1, member, 0, queued)
  end
end
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'd', watched, 0, 0, 0, 0, 0, 0,
  0, '', token, 0, 0, 0, 0, '', 0, '')
if unfinished then
  redis.call('SET', KEYS[1], value, 'PX', math.max(lock_ttl, retention))
else
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
end
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1
