#!lua flags=allow-oom
-- Sets the end of a live lease.
-- KEYS[1] the record. ARGV: lease id, lease ms.
-- Result: 1 renewed, 0 lost.
-- @include record
-- @include queue
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, claimed, lock_ttl, retention, holder =
  struct.unpack(HEAD, value)
if (state ~= 'r' and state ~= 'R') or holder ~= ARGV[1] or now >= lease_ends then return 0 end

lease_ends = math.min(now + tonumber(ARGV[2]), claimed + lock_ttl)
if state == 'R' then
  if lease_ends < expires then
    -- The agenda may have an earlier time than the record, never a later one. See record-codec.ts about XX and pcall.
    local _, _, _, _, _, _, rest = struct.unpack(AFTER_HEAD, value, 55 + #holder)
    local agenda, member, group = queue_entry(value, rest, KEYS[1])
    redis.pcall('ZADD', agenda, 'XX', 'LT', lease_ends, group or member)
  end
  redis.call('SETRANGE', KEYS[1], 2, struct.pack('<ddd', lease_ends, ARGV[2], lease_ends))
else
  expires = lease_ends + math.max(lock_ttl, retention)
  value = struct.pack('<c1c1ddd', 'r', watched, expires, ARGV[2], lease_ends) .. string.sub(value, 27)
  redis.call('SET', KEYS[1], value, 'PXAT', expires)
end
return 1
