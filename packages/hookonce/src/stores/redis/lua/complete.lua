#!lua flags=allow-oom
-- Records the result of the attempt that holds the record, however late.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: lease id, result.
-- Result: ms since the epoch at which this attempt completed, now or before; 0 fenced.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, settled, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R') then return 0 end
if state == 'c' or state == 'C' then return settled end
if state ~= 'r' and state ~= 'R' then return 0 end

expires = now + retention
if state == 'R' then
  -- No longer due: its place in the agenda is the end of its retention, below 0. See value.ts about XX and pcall.
  local _, _, _, _, _, _, rest = struct.unpack('<ddI4I4I4c0I4c0', value, 55 + #holder)
  local _, _, order, queue, group = struct.unpack('<I4I4dI4c0I4c0', value, rest)
  local agenda, member = queue .. ':agenda', string.format('%.0f:', order) .. KEYS[1]
  local queued = group ~= '' and queue .. ':group:' .. group
  if not queued then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', queued, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, queued)
  end
end
value = struct.pack('<c1c1dd', state == 'R' and 'C' or 'c', watched, expires, now) .. string.sub(value, 19) .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PXAT', expires)
-- By pcall: an error after the write would be taken for "nothing was written".
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return now
