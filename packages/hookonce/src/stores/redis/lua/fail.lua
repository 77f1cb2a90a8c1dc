#!lua flags=allow-oom
-- Releases the key for a retry and keeps the error.
-- KEYS[1] the record; the channel of its watchers has the same name. ARGV: lease id, '=' and the error; for an
--   accepted record the ms until it is due again, or `dead`, and 1 if its attempt did not begin; the outcome.
-- Result: 1 failed by this attempt, now or before; 0 fenced.
-- @include record
-- @include queue
-- @include history
-- @include dead
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, _, _, _, retention, holder =
  struct.unpack(HEAD, value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R' and state ~= 'F') then return 0 end
if state == 'f' or state == 'F' or state == 'D' then return 1 end
if state ~= 'r' and state ~= 'R' then return 0 end

local _, _, _, _, _, text, rest = struct.unpack(AFTER_HEAD, value, 55 + #holder)
local text_at = rest - 4 - #text
local label, history = parts_of(text)
text = label .. with_outcome(history, ARGV[5]) .. ARGV[2]
local facts = string.sub(value, 19, text_at - 1) .. struct.pack('<I4c0', #text, text)
expires = now + retention
if state == 'r' then
  redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'f', watched, expires, now) .. facts, 'PXAT', expires)
else
  local round, earlier = struct.unpack(QUEUED, value, rest)
  local accepted = struct.pack('<I4I4', round, earlier + tonumber(ARGV[4])) .. string.sub(value, rest + 8)
  local agenda, member, group = queue_entry(value, rest, KEYS[1])
  if ARGV[3] ~= 'dead' then
    -- See record-codec.ts about XX and pcall.
    local due = now + tonumber(ARGV[3])
    redis.pcall('ZADD', agenda, 'XX', 'LT', due, group or member)
    redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'F', watched, due, now) .. facts .. accepted)
  else
    settle_entry(agenda, member, group, DEAD + expires)
    value = struct.pack('<c1c1dd', 'D', watched, expires, now) .. facts .. accepted
    redis.call('SET', KEYS[1], value, 'PXAT', expires)
  end
end
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1
