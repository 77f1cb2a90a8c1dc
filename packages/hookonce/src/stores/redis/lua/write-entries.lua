#!lua
-- Adds entries to a list of the journal, replaces those with their ids, and removes expired ones.
-- KEYS[1] the order of the list, KEYS[2] its entries, see journal.ts. ARGV: keep ms; for each entry its id, its time with
--   16 digits ('': now), and its value.
-- Without allow-oom: a full Redis has no room for these.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local function remove(id, value)
  redis.call('ZREM', KEYS[1], string.sub(value, 1, 16) .. id)
  redis.call('HDEL', KEYS[2], id)
end

for _, position in ipairs(redis.call('ZRANGE', KEYS[1], 0, 99)) do
  local id = string.sub(position, 17)
  local value = redis.call('HGET', KEYS[2], id)
  -- All are kept equally long: the older ones are gone.
  if value and struct.unpack('<d', value, 17) > now then break end
  if value then remove(id, value) end
end

local keep = tonumber(ARGV[1])
local expires = struct.pack('<d', now + keep)
for i = 2, #ARGV, 3 do
  local id, at, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if at == '' then at = string.format('%016d', now) end
  local before = redis.call('HGET', KEYS[2], id)
  if before then remove(id, before) end
  redis.call('ZADD', KEYS[1], 0, at .. id)
  redis.call('HSET', KEYS[2], id, at .. expires .. value)
end
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < keep then redis.call('PEXPIRE', key, keep) end
end
