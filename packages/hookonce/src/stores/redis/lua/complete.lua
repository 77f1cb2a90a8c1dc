#!lua flags=allow-oom
-- Records the result of the attempt that holds the record, also after its lease ended.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: lease id, result.
-- Result: the ms since the epoch when this attempt completed, now or before; 0 fenced.
-- @include record
-- @include queue
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, settled, _, _, _, retention, holder =
  struct.unpack(HEAD, value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R') then return 0 end
if state == 'c' or state == 'C' then return settled end
if state ~= 'r' and state ~= 'R' then return 0 end

expires = now + retention
if state == 'R' then
  local _, _, _, _, _, _, rest = struct.unpack(AFTER_HEAD, value, 55 + #holder)
  local agenda, member, group = queue_entry(value, rest, KEYS[1])
  settle_entry(agenda, member, group, expires)
end
value = struct.pack('<c1c1dd', state == 'R' and 'C' or 'c', watched, expires, now) .. string.sub(value, 19) .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PXAT', expires)
-- By pcall: callers take an error reply for "nothing was written", and the record was.
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return now
