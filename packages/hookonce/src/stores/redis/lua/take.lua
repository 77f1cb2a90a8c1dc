#!lua flags=allow-oom
-- Takes due records of a queue, longest due first, and starts an attempt of each.
-- KEYS[1] the queue's agenda, whose other keys have names that begin alike: see keys.ts. ARGV: most, lease id,
--   lease ms, lock TTL ms, most losses, '=' and the error of a record that lost so many.
-- Result: ms since the epoch, and of each record that was taken: its name, since when it was due, its value.
local MOST_FORGOTTEN, MOST_LOOKS, MOST_BYTES, LATER_MS = 500, 5000, 8388608, 2000

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local agenda, queue = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1)
local groups = queue .. ':group:'
local most, lease_id, lock_ttl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[4])
local most_losses, lost_error = tonumber(ARGV[5]), ARGV[6]
local lease_ends = now + math.min(tonumber(ARGV[3]), lock_ttl)
local claims, taken, bytes, looks = {now}, 0, 0, 0

-- What is below 0 is settled, and expired by now: the log forgets it, unless it is not at hand (see below).
local expired = redis.call('ZRANGE', agenda, '(' .. -now, '(0', 'BYSCORE', 'LIMIT', 0, MOST_FORGOTTEN)
if #expired > 0 and (tonumber(redis.pcall('ZREM', queue .. ':log', unpack(expired))) or 0) > 0 then
  redis.call('ZREM', agenda, unpack(expired))
end

-- Takes the record if it is due since then. Returns its place in the agenda, nothing if it is not there.
local function take(name, since)
  local value = redis.pcall('GET', name)
  if type(value) ~= 'string' then return nil end
  local state, watched, due, _, ended, claimed, ttl, retention, holder, token, created, attempts, losses,
    fingerprint, last_error, rest = struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', value)
  if state == 'C' or state == 'D' then return -due end
  if state ~= 'P' and state ~= 'R' and state ~= 'F' then return -1 end
  if due > since then return due end

  if state == 'R' then losses = losses + 1 end
  if losses >= most_losses then
    local expires = now + retention
    value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'D', watched, expires, now, ended, claimed, ttl, retention,
      #holder, holder, token, created, attempts, losses, #fingerprint, fingerprint, #lost_error, lost_error)
      .. string.sub(value, rest)
    redis.call('SET', name, value, 'PXAT', expires)
    if watched == '1' then redis.pcall('PUBLISH', name, '') end
    return -expires
  end
  value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'R', watched, lease_ends, 0, lease_ends, now, lock_ttl,
    retention, #lease_id, lease_id, math.max(token + 1, micros), created, attempts + 1, losses,
    #fingerprint, fingerprint, #last_error, last_error) .. string.sub(value, rest)
  redis.call('SET', name, value)
  taken, bytes = taken + 1, bytes + #value
  claims[#claims + 1] = name
  claims[#claims + 1] = since
  claims[#claims + 1] = value
  return lease_ends
end

while taken < most and bytes < MOST_BYTES and looks < MOST_LOOKS do
  local entries = redis.call('ZRANGE', agenda, 0, now, 'BYSCORE', 'LIMIT', 0, most - taken, 'WITHSCORES')
  if #entries == 0 then break end
  for i = 1, #entries, 2 do
    local entry, since = entries[i], tonumber(entries[i + 1])
    looks = looks + 1
    if string.sub(entry, 1, #groups) ~= groups then
      -- In a Cluster whose slots are moving a record may be on another server for a moment.
      redis.call('ZADD', agenda, take(entry, since) or now + LATER_MS, entry)
    else
      local first = redis.call('ZRANGE', entry, 0, 0)[1]
      local place = first and (take(first, since) or -1)
      if not first then
        redis.call('ZREM', agenda, entry)
      elseif place >= 0 then
        redis.call('ZADD', agenda, place, entry)
      else
        redis.call('ZREM', entry, first)
        redis.call('ZADD', agenda, place, first, 0, entry)
      end
    end
    if bytes >= MOST_BYTES then break end
  end
end
return claims
