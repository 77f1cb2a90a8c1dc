#!lua flags=no-writes,allow-oom
-- Reads what an earlier claim-due.lua claimed whose reply was lost.
-- KEYS[1] the queue's agenda. ARGV: lease id, lease ms.
-- Result: that of claim-due.lua.
-- @include record
-- @include entry
local MOST_ENTRIES = 5000
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local agenda, groups = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':group:'
local claims = {now, 0}
local entries = redis.call('ZRANGE', agenda, '(' .. now, now + tonumber(ARGV[2]), 'BYSCORE', 'LIMIT', 0, MOST_ENTRIES)
for _, entry in ipairs(entries) do
  local name, value = record_of(entry, groups)
  if value then
    local state, _, _, _, lease_ends, _, _, _, holder = struct.unpack(HEAD, value)
    if state == 'R' and holder == ARGV[1] and now < lease_ends then
      claims[#claims + 1] = name
      claims[#claims + 1] = now
      claims[#claims + 1] = value
      claims[#claims + 1] = 0
    end
  end
end
return claims
