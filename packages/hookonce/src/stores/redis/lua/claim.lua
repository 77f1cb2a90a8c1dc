-- Claims the key for one attempt, or returns the reason why not.
-- KEYS[1] the record. ARGV: lease id, fingerprint ('' or '=' and its text), lease ms, lock TTL ms, retention ms,
--   most losses, label ('' or '#', its length as a byte, and its text).
-- Result: {1, attempt, fencing token, 1 if it took over} acquired, {2, ms left} running, {3} mismatch, {4, losses}
--   exhausted; of a completed record its whole value.
--
-- Without "#!lua": where Redis refuses writes (maxmemory, a read-only replica) it refuses a script with "#!lua" as a
-- whole, and of one without only the SET. So a full Redis still answers duplicates.
-- @include record
-- @include queue
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease_id, fingerprint = ARGV[1], ARGV[2]
local lock_ttl, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local watched, token, created, attempts, losses, label, history, last_error = '0', 0, now, 0, 0, ARGV[7], '', ''
local accepted, took_over, uncounted = nil, nil, 0

-- A lease with more time left than its length dates from before the clock stepped back: it now ends after its length.
local function shorten_lease(name, value, ends, ttl, kept, rest)
  if string.sub(value, 1, 1) == 'r' then
    local expires = ends + math.max(ttl, kept)
    local head, lease = string.sub(value, 1, 2) .. struct.pack('<d', expires), string.sub(value, 11, 18)
    redis.call('SET', name, head .. lease .. struct.pack('<d', ends) .. string.sub(value, 27), 'PXAT', expires)
    return
  end
  local agenda, member, group = queue_entry(value, rest, name)
  redis.call('SETRANGE', name, 2, struct.pack('<d', ends))
  redis.call('SETRANGE', name, 18, struct.pack('<d', ends))
  -- See record-codec.ts about XX and pcall.
  redis.pcall('ZADD', agenda, 'XX', 'LT', ends, group or member)
end

local value = redis.call('GET', KEYS[1])
if value then
  local state, is_watched, expires, settled, lease_ends, claimed, ttl, kept, holder, last_token, created_at, started,
    lost, known, text, rest = struct.unpack(RECORD, value)
  local unfinished = state == 'P' or state == 'R' or state == 'F'
  watched, token = is_watched, last_token
  if now < expires or unfinished then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'c' or state == 'C' then return value end
    if state == 'r' or state == 'R' then
      if holder == lease_id then return {1, started, last_token, 0} end
      -- See record-codec.ts about `settled` of a running record.
      local length = settled == 0 and ttl or math.abs(settled)
      if lease_ends > now + length then
        shorten_lease(KEYS[1], value, now + length, ttl, kept, rest)
        return {2, length}
      end
      if now < lease_ends then return {2, lease_ends - now} end
      took_over = 1
      if settled < 0 then uncounted = 1 else lost = lost + 1 end
    end
    if lost >= tonumber(ARGV[6]) or state == 'D' then return {4, lost} end
    created, attempts, losses = created_at, started, lost
    -- Here, so that first claims and duplicates do not spend time on making its functions.
    -- @include history
    local known_label
    known_label, history, last_error = parts_of(text)
    if known_label ~= '' then label = known_label end
    if took_over then
      last_error = '=attempt ' .. started .. ' was lost: its lease ended without a word'
      history = with_last(history, started, last_token, holder, claimed, now, 'lost')
    elseif state ~= 'P' then
      history = with_last(history, started, last_token, holder, claimed, settled)
    end
    if known ~= '' then fingerprint = known end
    if unfinished then
      local round, earlier = struct.unpack('<I4I4', value, rest)
      accepted = struct.pack('<I4I4', round, earlier + uncounted) .. string.sub(value, rest + 8)
    end
  end
end

local text = label .. history .. last_error
local lease = math.min(tonumber(ARGV[3]), lock_ttl)
local lease_ends = now + lease
local expires = accepted and lease_ends or lease_ends + math.max(lock_ttl, retention)
attempts, token = attempts + 1, math.max(token + 1, micros)
value = struct.pack(RECORD, accepted and 'R' or 'r', watched, expires, lease, lease_ends, now,
  lock_ttl, retention, #lease_id, lease_id, token, created, attempts, losses, #fingerprint, fingerprint,
  #text, text)
if accepted then
  redis.call('SET', KEYS[1], value .. accepted)
else
  redis.call('SET', KEYS[1], value, 'PXAT', expires)
end
return {1, attempts, token, took_over or 0}
