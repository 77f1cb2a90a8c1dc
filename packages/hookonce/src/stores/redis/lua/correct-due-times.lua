#!lua flags=allow-oom
-- Corrects the due times of a queue after the clock stepped back: none is further ahead than when it was set.
-- KEYS[1] the queue's agenda. ARGV: the score after which to begin, most entries.
-- Result: the score up to which entries were read, as a text; '' if those were all.
-- @include record
-- @include entry
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local agenda, groups = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':group:'
local from = math.max(now, tonumber(ARGV[1]))
local entries = redis.call('ZRANGE', agenda, '(' .. string.format('%.0f', from), '+inf', 'BYSCORE', 'LIMIT', 0,
  ARGV[2], 'WITHSCORES')
for i = 1, #entries, 2 do
  local entry = entries[i]
  local name, value = record_of(entry, groups)
  if value then
    local state, _, due, settled, ends, _, ttl, _, _, _, created, _, _, _, _, rest =
      struct.unpack(RECORD, value)
    local round, at = struct.unpack('<I4', value, rest), due
    if state == 'R' then
      at = math.min(due, now + (settled == 0 and ttl or math.abs(settled)))
    elseif state == 'F' and settled > now then
      at = now + due - settled
    elseif state == 'P' and (round > 1 or created > now) then
      at = math.min(due, now)
    end
    if at < due then
      redis.call('SETRANGE', name, 2, struct.pack('<d', at))
      if state == 'R' then redis.call('SETRANGE', name, 18, struct.pack('<d', at)) end
      if state == 'F' then redis.call('SETRANGE', name, 10, struct.pack('<d', now)) end
      redis.pcall('ZADD', agenda, 'XX', 'LT', at, entry)
    end
  end
end
return #entries < 2 * tonumber(ARGV[2]) and '' or entries[#entries]
