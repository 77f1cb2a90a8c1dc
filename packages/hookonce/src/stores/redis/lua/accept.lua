-- Stores a delivery with its record and puts it into its scope's queue, or says what stands there.
-- KEYS: the record, the agenda, the log, the set of scopes, its group if it has one: see keys.ts.
-- ARGV: accept id, fingerprint ('' or '=' and its text), delivery, retention ms, delay ms, group ('' or '=' and its
--   text), the queue's name, scope.
-- Result: {1, ms of acceptance} accepted, {2, ms of creation, state} known, {3} mismatch, {4} it has a group but no
--   key for it.
--
-- Without "#!lua" as claim.lua is: a full Redis still answers duplicates.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local accept_id, fingerprint, delivery, group, queue = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[7]
local watched, token = '0', 0

-- All but the texts at the end, which are the longest.
local value = redis.call('GETRANGE', KEYS[1], 0, 4095)
if value ~= '' then
  local state, marked, expires, _, _, _, _, _, holder, issued, created, attempts, _, known =
    struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0', value)
  watched, token = marked, issued
  if now < expires or state == 'P' or state == 'R' or state == 'F' then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'P' and attempts == 0 and holder == accept_id then return {1, created} end
    return {2, created, state}
  end
end

if group ~= '' and not KEYS[5] then return {4} end

local due, order = now + tonumber(ARGV[5]), micros
if group == '' then
  redis.call('ZADD', KEYS[2], due, KEYS[1])
else
  -- In the order of acceptance, even if the clock steps back.
  local last = redis.call('ZRANGE', KEYS[5], -1, -1, 'WITHSCORES')[2]
  if last then order = math.max(order, last + 1) end
  redis.call('ZADD', KEYS[5], order, KEYS[1])
  redis.call('ZREM', KEYS[2], KEYS[1])
  if not last then redis.call('ZADD', KEYS[2], due, KEYS[5]) end
end
redis.call('ZADD', KEYS[3], micros, KEYS[1])
redis.call('SADD', KEYS[4], ARGV[8])
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0I4I4dI4c0I4c0I4c0', 'P', watched, due, 0, now, now, 0,
  tonumber(ARGV[4]), #accept_id, accept_id, token, now, 0, 0, #fingerprint, fingerprint, 0, '',
  1, 0, order, #queue, queue, #group, group, #delivery, delivery)
redis.call('SET', KEYS[1], value)
return {1, now}
