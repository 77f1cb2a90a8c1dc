#!lua flags=no-writes,allow-oom
-- The entries of a list of the journal between two positions, newest first.
-- KEYS[1] the order of the list, KEYS[2] its entries. ARGV: the last position and the first one as ranges of ZRANGE BYLEX;
--   the most entries.
-- Result: id and value of each.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local found = {}
for _, position in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])) do
  local id = string.sub(position, 17)
  local value = redis.call('HGET', KEYS[2], id)
  if value and struct.unpack('<d', value, 17) > now then
    found[#found + 1] = id
    found[#found + 1] = value
  end
end
return found
