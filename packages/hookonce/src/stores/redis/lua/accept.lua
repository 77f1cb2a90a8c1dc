-- Stores a delivery with its record and puts it into its scope's queue, unless there is a record already.
-- KEYS: the record, the acceptance stream of its queue. ARGV: accept id, fingerprint ('' or '=' and its text), delivery,
--   retention ms, delay ms, group ('' or '=' and its text), label ('' or '#', its length as a byte, and its text).
-- Result: {1, ms of acceptance} accepted, {2, ms of creation, state} known, {3} mismatch, {4} refused: a Cluster has no
--   groups.
--
-- Without "#!lua", as claim.lua: a full Redis still answers duplicates.
-- @include record
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local name, stream = KEYS[1], KEYS[2]
local accept_id, fingerprint, delivery, group, label = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[7]
local watched, token = '0', 0

if redis.call('EXISTS', name) == 1 then
  -- Enough for FACTS; the delivery and the result, which may be large, are at the end.
  local value = redis.call('GETRANGE', name, 0, 4095)
  local state, is_watched, expires, _, _, _, _, _, holder, last_token, created, attempts, _, known =
    struct.unpack(FACTS, value)
  watched, token = is_watched, last_token
  if now < expires or state == 'P' or state == 'R' or state == 'F' then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'P' and attempts == 0 and holder == accept_id then return {1, created} end
    return {2, created, state}
  end
end

-- The queue's hash tag is `inbox` unless it is in a Cluster: see keys.ts.
if group ~= '' and string.match(stream, '{(.-)}') ~= 'inbox' then return {4} end

local position = micros
local added = redis.pcall('XADD', stream, 'NOMKSTREAM', position, group, name)
if not added then
  redis.call('XGROUP', 'CREATE', stream, 'agenda', 0, 'MKSTREAM', 'ENTRIESREAD', 0)
  local tagged, scope = string.match(stream, '^(.-}):queue:%d+:(.*):log$')
  redis.call('SADD', tagged .. ':scopes', scope)
  redis.call('XADD', stream, position, group, name)
elseif type(added) == 'table' then
  -- XADD refuses an id that is not above the last: the clock stepped back. Any other error is returned.
  local info, last = redis.pcall('XINFO', 'STREAM', stream), 0
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
  end
  if last < position then return added end
  position = last + 1
  redis.call('XADD', stream, position, group, name)
end

local queue = string.sub(stream, 1, -#':log' - 1)
local due, retention = now + tonumber(ARGV[5]), tonumber(ARGV[4])
local value = struct.pack(RECORD, 'P', watched, due, 0, now, now, 0, retention, #accept_id, accept_id, token, now, 0, 0,
  #fingerprint, fingerprint, #label, label)
local accepted = struct.pack(ACCEPTED, 1, 0, position, #queue, queue, #group, group, #delivery, delivery)
redis.call('SET', name, value .. accepted)
return {1, now}
