-- Stores a delivery with its record and puts it into its scope's queue, or says what stands there.
-- KEYS: the record, the log of its queue. ARGV: accept id, fingerprint ('' or '=' and its text), delivery, retention ms,
--   delay ms, group ('' or '=' and its text), label ('' or '#', a byte, and so many bytes of it).
-- Result: {1, ms of acceptance} accepted, {2, ms of creation, state} known, {3} mismatch, {4} it has a group, and a
--   Cluster has none.
--
-- Without "#!lua" as claim.lua is: a full Redis still answers duplicates.
-- @include record
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local name, log = KEYS[1], KEYS[2]
local accept_id, fingerprint, delivery, group, label = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[7]
local watched, token = '0', 0

if redis.call('EXISTS', name) == 1 then
  -- All but the texts at the end, which are the longest.
  local value = redis.call('GETRANGE', name, 0, 4095)
  local state, marked, expires, _, _, _, _, _, holder, issued, created, attempts, _, known =
    struct.unpack(FACTS, value)
  watched, token = marked, issued
  if now < expires or state == 'P' or state == 'R' or state == 'F' then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'P' and attempts == 0 and holder == accept_id then return {1, created} end
    return {2, created, state}
  end
end

-- The tag is in the name of the queue: see keys.ts.
if group ~= '' and string.match(log, '{(.-)}') ~= 'inbox' then return {4} end

local order = micros
local entered = redis.pcall('XADD', log, 'NOMKSTREAM', order, group, name)
if not entered then
  redis.call('XGROUP', 'CREATE', log, 'agenda', 0, 'MKSTREAM', 'ENTRIESREAD', 0)
  local tagged, scope = string.match(log, '^(.-}):queue:%d+:(.*):log$')
  redis.call('SADD', tagged .. ':scopes', scope)
  redis.call('XADD', log, order, group, name)
elseif type(entered) == 'table' then
  -- The clock stepped back, unless it is something else.
  local about, last = redis.pcall('XINFO', 'STREAM', log), 0
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then last = tonumber(string.match(about[i + 1], '^%d+')) end
  end
  if last < order then return entered end
  order = last + 1
  redis.call('XADD', log, order, group, name)
end

local queue = string.sub(log, 1, -#':log' - 1)
local due, retention = now + tonumber(ARGV[5]), tonumber(ARGV[4])
local value = struct.pack(RECORD, 'P', watched, due, 0, now, now, 0, retention, #accept_id, accept_id, token, now, 0, 0,
  #fingerprint, fingerprint, #label, label)
local accepted = struct.pack(ACCEPTED, 1, 0, order, #queue, queue, #group, group, #delivery, delivery)
redis.call('SET', name, value .. accepted)
return {1, now}
