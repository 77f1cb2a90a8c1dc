#!lua flags=allow-oom
-- Gives the key back for a retry and keeps the error.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: lease id, '=' and the error.
-- Result: 1 failed by this attempt, now or before; 0 fenced.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or now >= expires then return 0 end
if state == 'f' then return 1 end
if state ~= 'r' then return 0 end

local _, _, _, _, _, last_error_at = struct.unpack('<ddI4I4I4c0', value, 55 + #holder)
expires = now + retention
value = struct.pack('<c1c1dd', 'f', watched, expires, now) .. string.sub(value, 19, last_error_at - 1)
  .. struct.pack('<I4c0', #ARGV[2], ARGV[2])
redis.call('SET', KEYS[1], value, 'PXAT', expires)
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1
