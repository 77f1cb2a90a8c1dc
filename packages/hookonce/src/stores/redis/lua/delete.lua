#!lua flags=allow-oom
-- Removes the record. Until it would have expired a value that counts as absent (it expired in 1970) keeps its fencing
-- token, so that tokens rise even if the clock steps back, or is behind after a failover.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: '1' to remove a running record too.
-- Result: 1 deleted, 0 absent, 2 running.
-- @include record
-- @include queue
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
  -- An expiry in the past: the next claim-due.lua removes it from the stream.
  local agenda, member, group = queue_entry(value, rest, KEYS[1])
  settle_entry(agenda, member, unfinished and group, 1)
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
