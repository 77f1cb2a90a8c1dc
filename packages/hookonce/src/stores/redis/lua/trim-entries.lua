#!lua flags=allow-oom
-- Removes all but the newest entries of a list of the journal, 1,000 at most.
-- KEYS[1] the order of the list, KEYS[2] its entries. ARGV: how many stay.
-- Result: the number of removed entries.
local surplus = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[1])
local removed = 0
for _, position in ipairs(redis.call('ZRANGE', KEYS[1], 0, math.min(surplus, 1000) - 1)) do
  if surplus <= 0 then break end
  redis.call('ZREM', KEYS[1], position)
  redis.call('HDEL', KEYS[2], string.sub(position, 17))
  removed = removed + 1
end
return removed
