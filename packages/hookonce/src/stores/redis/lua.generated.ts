// Generated from lua/ by scripts/generate-lua.mjs. Do not edit.

export const scripts = {
  accept: {
    sha: '2fdcc47447ac9de12a46dcb80ae3affa6f53e468',
    text: `local time = redis.call('TIME')
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
return {1, now}`,
  },
  announce: {
    sha: '4ecea10aefe83bf228f202a69655ace844bb0866',
    text: `#!lua flags=allow-oom
redis.call('PUBLISH', KEYS[1], '')
return 1`,
  },
  backlog: {
    sha: 'bf27416dcb800de09e78bd5beb5d833567380e69',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local first = redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local overdue = first[2] and math.max(0, now - tonumber(first[2])) or 0
return {redis.call('ZCOUNT', KEYS[1], 0, '+inf'), overdue}`,
  },
  claim: {
    sha: 'f9e9cb8d31b9449e22b899073b2fa544f0ae176e',
    text: `local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease_id, fingerprint = ARGV[1], ARGV[2]
local lock_ttl, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local watched, token, created, attempts, losses, last_error = '0', 0, now, 0, 0, ''
local accepted

local value = redis.call('GET', KEYS[1])
if value then
  local state, marked, expires, _, lease_ends, _, _, _, holder, issued, since, started, lost, known, told, rest =
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
    created, attempts, losses, last_error = since, started, lost, told
    if known ~= '' then fingerprint = known end
    if unfinished then accepted = string.sub(value, rest) end
  end
end

local lease_ends = now + math.min(tonumber(ARGV[3]), lock_ttl)
local expires = accepted and lease_ends or lease_ends + math.max(lock_ttl, retention)
attempts, token = attempts + 1, math.max(token + 1, micros)
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', accepted and 'R' or 'r', watched, expires, 0, lease_ends, now,
  lock_ttl, retention, #lease_id, lease_id, token, created, attempts, losses, #fingerprint, fingerprint,
  #last_error, last_error)
if accepted then
  redis.call('SET', KEYS[1], value .. accepted)
else
  redis.call('SET', KEYS[1], value, 'PXAT', expires)
end
return {1, attempts, token}`,
  },
  complete: {
    sha: 'ddb56238b9a4b41b14cffc62f892debfd3da5ffe',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, settled, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R') then return 0 end
if state == 'c' or state == 'C' then return settled end
if state ~= 'r' and state ~= 'R' then return 0 end

expires = now + retention
if state == 'R' then
  -- No longer due: its place in the agenda is the end of its retention, below 0. See value.ts about XX and pcall.
  local _, _, _, _, _, _, rest = struct.unpack('<ddI4I4I4c0I4c0', value, 55 + #holder)
  local _, _, _, queue, group = struct.unpack('<I4I4dI4c0I4c0', value, rest)
  if group == '' then
    redis.pcall('ZADD', queue .. ':agenda', 'XX', -expires, KEYS[1])
  else
    group = queue .. ':group:' .. group
    redis.call('ZREM', group, KEYS[1])
    redis.call('ZADD', queue .. ':agenda', -expires, KEYS[1], 0, group)
  end
end
value = struct.pack('<c1c1dd', state == 'R' and 'C' or 'c', watched, expires, now) .. string.sub(value, 19) .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PXAT', expires)
-- By pcall: an error after the write would be taken for "nothing was written".
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return now`,
  },
  delete: {
    sha: 'f5cbc1c8ff6c962033718c7b685f6b8cd7d19b6b',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, _, lock_ttl, retention, _, token, _, _, _, _, _, rest =
  struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', value)
local unfinished = state == 'P' or state == 'R' or state == 'F'
if now >= expires and not unfinished then return 0 end
if (state == 'r' or state == 'R') and now < lease_ends and ARGV[1] ~= '1' then return 2 end

if unfinished or state == 'C' or state == 'D' then
  -- Just below 0: the next look at the agenda has the log forget it. See value.ts about XX and pcall.
  local _, _, _, queue, group = struct.unpack('<I4I4dI4c0I4c0', value, rest)
  if group == '' or not unfinished then
    redis.pcall('ZADD', queue .. ':agenda', 'XX', -1, KEYS[1])
  else
    group = queue .. ':group:' .. group
    redis.call('ZREM', group, KEYS[1])
    redis.call('ZADD', queue .. ':agenda', -1, KEYS[1], 0, group)
  end
end
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'd', watched, 0, 0, 0, 0, 0, 0,
  0, '', token, 0, 0, 0, 0, '', 0, '')
if unfinished then
  redis.call('SET', KEYS[1], value, 'PX', math.max(lock_ttl, retention))
else
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
end
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1`,
  },
  due: {
    sha: 'd4c1df7a7be079fd9f2ae66152d2dcfd6dc7ee36',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local entries = redis.call('ZRANGE', KEYS[1], 0, now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
local times = {}
for i = 2, #entries, 2 do times[#times + 1] = entries[i] end
return times`,
  },
  fail: {
    sha: 'ac5bb9b1e42fc19206ca4f1b1063adc6530403be',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R' and state ~= 'F') then return 0 end
if state == 'f' or state == 'F' or state == 'D' then return 1 end
if state ~= 'r' and state ~= 'R' then return 0 end

local _, _, _, _, _, last_error_at = struct.unpack('<ddI4I4I4c0', value, 55 + #holder)
local facts = string.sub(value, 19, last_error_at - 1) .. struct.pack('<I4c0', #ARGV[2], ARGV[2])
expires = now + retention
if state == 'r' then
  redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'f', watched, expires, now) .. facts, 'PXAT', expires)
else
  local _, rest = struct.unpack('<I4c0', value, last_error_at)
  local _, _, _, queue, group = struct.unpack('<I4I4dI4c0I4c0', value, rest)
  local agenda, accepted = queue .. ':agenda', string.sub(value, rest)
  group = group ~= '' and queue .. ':group:' .. group
  if ARGV[3] ~= 'dead' then
    -- See value.ts about XX and pcall.
    local due = now + tonumber(ARGV[3])
    redis.pcall('ZADD', agenda, 'XX', 'LT', due, group or KEYS[1])
    redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'F', watched, due, now) .. facts .. accepted)
  else
    if group then
      redis.call('ZREM', group, KEYS[1])
      redis.call('ZADD', agenda, -expires, KEYS[1], 0, group)
    else
      redis.pcall('ZADD', agenda, 'XX', -expires, KEYS[1])
    end
    value = struct.pack('<c1c1dd', 'D', watched, expires, now) .. facts .. accepted
    redis.call('SET', KEYS[1], value, 'PXAT', expires)
  end
end
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1`,
  },
  get: {
    sha: '8dfd87124c99ade348cc81fb67f3c11a395137a5',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
return {now, redis.call('GETRANGE', KEYS[1], 0, ARGV[1])}`,
  },
  identify: {
    sha: 'b07169d4e8c24f8479476733eb68950b2ac0ed3c',
    text: `local id = redis.call('GET', KEYS[1]) or ARGV[1]
redis.call('SET', KEYS[1], id)
return id`,
  },
  logged: {
    sha: 'a87c8d77bb4daf04440bb204a29548b532c8506c',
    text: `#!lua flags=no-writes,allow-oom
return redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[3], 'WITHSCORES')`,
  },
  redrive: {
    sha: '37724884a6000435031431a11cc9231ebb3ad74d',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, claimed, lock_ttl, retention, holder, token, created, attempts, _,
  fingerprint, last_error, rest = struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', value)
if state == 'P' or state == 'R' or state == 'F' then return 2 end
if (state ~= 'C' and state ~= 'D') or now >= expires then return 0 end
if state == 'C' and ARGV[1] ~= '1' then return 3 end

local round, _, order, queue, group, delivery = struct.unpack('<I4I4dI4c0I4c0I4c0', value, rest)
local agenda = queue .. ':agenda'
if group ~= '' then
  local queued = queue .. ':group:' .. group
  redis.call('ZADD', queued, order, KEYS[1])
  redis.call('ZREM', agenda, KEYS[1])
  redis.call('ZADD', agenda, 0, queued)
elseif redis.pcall('ZADD', agenda, 'XX', 'CH', now, KEYS[1]) ~= 1 then
  return redis.error_reply('TRYAGAIN the slot is moving, and the agenda is on another server')
end
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0I4I4dI4c0I4c0I4c0', 'P', watched, now, 0, lease_ends, claimed,
  lock_ttl, retention, #holder, holder, token, created, attempts, 0, #fingerprint, fingerprint,
  #last_error, last_error, round + 1, attempts, order, #queue, queue, #group, group, #delivery, delivery)
redis.call('SET', KEYS[1], value)
return 1`,
  },
  renew: {
    sha: '8b28b0bf0002f5f8efb703e946efe92c0463d55f',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, claimed, lock_ttl, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if (state ~= 'r' and state ~= 'R') or holder ~= ARGV[1] or now >= lease_ends then return 0 end

lease_ends = math.min(now + tonumber(ARGV[2]), claimed + lock_ttl)
if state == 'R' then
  redis.call('SETRANGE', KEYS[1], 2, struct.pack('<ddd', lease_ends, 0, lease_ends))
else
  expires = lease_ends + math.max(lock_ttl, retention)
  value = struct.pack('<c1c1ddd', 'r', watched, expires, 0, lease_ends) .. string.sub(value, 27)
  redis.call('SET', KEYS[1], value, 'PXAT', expires)
end
return 1`,
  },
  scopes: {
    sha: '93e0fd6c3bead7e309a223e1dd2fe736e9d06fc6',
    text: `#!lua flags=no-writes,allow-oom
return redis.call('SMEMBERS', KEYS[1])`,
  },
  take: {
    sha: '149f979b26ccb7e013e9f94be1ef558b6a772f26',
    text: `#!lua flags=allow-oom
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
return claims`,
  },
  watch: {
    sha: 'b184b2e98babf9634169aebf933e32d3dba99ae8',
    text: `local mark = redis.call('GETRANGE', KEYS[1], 1, 1)
if mark == '0' then
  redis.call('SETRANGE', KEYS[1], 1, '1')
elseif mark == '' then
  local value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'd', '1', 0, 0, 0, 0, 0, 0,
    0, '', 0, 0, 0, 0, 0, '', 0, '')
  redis.call('SET', KEYS[1], value, 'PX', 3600000)
end
return 1`,
  },
} as const
