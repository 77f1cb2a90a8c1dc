-- Takes the key for one attempt, or says what stands in the way.
-- KEYS[1] the record. ARGV: lease id, fingerprint ('' or '=' and its text), lease ms, lock TTL ms, retention ms,
--   most losses, label ('' or '#', a byte, and so many bytes of it).
-- Result: {1, attempt, fencing token} acquired, {2, ms left} running, {3} mismatch, {4, losses} exhausted; of a
--   completed record its whole value.
--
-- Without "#!lua" on purpose: such a script is not refused as a whole where Redis refuses writes (maxmemory,
-- a read-only replica), only its SET is. So a full Redis still answers duplicates.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease_id, fingerprint = ARGV[1], ARGV[2]
local lock_ttl, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local watched, token, created, attempts, losses, told = '0', 0, now, 0, 0, ARGV[7]
local accepted

local value = redis.call('GET', KEYS[1])
if value then
  local state, marked, expires, _, lease_ends, _, _, _, holder, issued, since, started, lost, known, said, rest =
    struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', value)
  local unfinished = state == 'P' or state == 'R' or state == 'F'
  watched, token = marked, issued
  if now < expires or unfinished then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'c' or state == 'C' then return value end
    if state == 'r' or state == 'R' then
      if holder == lease_id then return {1, started, issued} end
      if now < lease_ends then return {2, lease_ends - now} end
      lost = lost + 1
    end
    if lost >= tonumber(ARGV[6]) or state == 'D' then return {4, lost} end
    created, attempts, losses = since, started, lost
    told = string.sub(said, 1, 1) == '#' and said or told .. said
    if known ~= '' then fingerprint = known end
    if unfinished then accepted = string.sub(value, rest) end
  end
end

local lease_ends = now + math.min(tonumber(ARGV[3]), lock_ttl)
local expires = accepted and lease_ends or lease_ends + math.max(lock_ttl, retention)
attempts, token = attempts + 1, math.max(token + 1, micros)
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', accepted and 'R' or 'r', watched, expires, 0, lease_ends, now,
  lock_ttl, retention, #lease_id, lease_id, token, created, attempts, losses, #fingerprint, fingerprint,
  #told, told)
if accepted then
  redis.call('SET', KEYS[1], value .. accepted)
else
  redis.call('SET', KEYS[1], value, 'PXAT', expires)
end
return {1, attempts, token}
