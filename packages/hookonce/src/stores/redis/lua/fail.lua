#!lua flags=allow-oom
-- Gives the key back for a retry and keeps the error.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: lease id, '=' and the error, and of an
--   accepted record in how many ms it is due again, or `dead`, and 1 if its attempt did not begin.
-- Result: 1 failed by this attempt, now or before; 0 fenced.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R' and state ~= 'F') then return 0 end
if state == 'f' or state == 'F' or state == 'D' then return 1 end
if state ~= 'r' and state ~= 'R' then return 0 end

local _, _, _, _, _, told_at = struct.unpack('<ddI4I4I4c0', value, 55 + #holder)
local told = ARGV[2]
local said, rest = struct.unpack('<I4c0', value, told_at)
-- The label stays.
if string.sub(said, 1, 1) == '#' then told = string.sub(said, 1, 2 + string.byte(said, 2)) .. told end
local facts = string.sub(value, 19, told_at - 1) .. struct.pack('<I4c0', #told, told)
expires = now + retention
if state == 'r' then
  redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'f', watched, expires, now) .. facts, 'PXAT', expires)
else
  local round, earlier, order, queue, group = struct.unpack('<I4I4dI4c0I4c0', value, rest)
  local accepted = struct.pack('<I4I4', round, earlier + tonumber(ARGV[4])) .. string.sub(value, rest + 8)
  local agenda, member = queue .. ':agenda', string.format('%.0f:', order) .. KEYS[1]
  local queued = group ~= '' and queue .. ':group:' .. group
  if ARGV[3] ~= 'dead' then
    -- See value.ts about XX and pcall.
    local due = now + tonumber(ARGV[3])
    redis.pcall('ZADD', agenda, 'XX', 'LT', due, queued or member)
    redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'F', watched, due, now) .. facts .. accepted)
  else
    if not queued then
      redis.pcall('ZADD', agenda, 'XX', -expires, member)
    elseif redis.call('ZREM', queued, member) == 1 then
      redis.call('ZADD', agenda, -expires, member, 0, queued)
    end
    value = struct.pack('<c1c1dd', 'D', watched, expires, now) .. facts .. accepted
    redis.call('SET', KEYS[1], value, 'PXAT', expires)
  end
end
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1
