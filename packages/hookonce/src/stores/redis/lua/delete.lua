#!lua flags=allow-oom
-- Removes the record. Until it would have expired its fencing token stays, in a value that expired in 1970 and so
-- counts as absent: tokens rise even if the clock steps back, or a failover brings a clock that is behind.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: '1' by force.
-- Result: 1 deleted, 0 absent, 2 running.
-- @include record
-- @include place
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, _, lock_ttl, retention, _, token, _, _, _, _, _, rest =
  struct.unpack(RECORD, value)
local unfinished = state == 'P' or state == 'R' or state == 'F'
if now >= expires and not unfinished then return 0 end
if (state == 'r' or state == 'R') and now < lease_ends and ARGV[1] ~= '1' then return 2 end

if unfinished or state == 'C' or state == 'D' then
  -- Just below 0: the next take removes it from the log.
  local agenda, member, group = place_of(value, rest, KEYS[1])
  put_below_0(agenda, member, unfinished and group, 1)
end
value = struct.pack(RECORD, 'd', watched, 0, 0, 0, 0, 0, 0,
  0, '', token, 0, 0, 0, 0, '', 0, '')
if unfinished then
  redis.call('SET', KEYS[1], value, 'PX', math.max(lock_ttl, retention))
else
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
end
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1
