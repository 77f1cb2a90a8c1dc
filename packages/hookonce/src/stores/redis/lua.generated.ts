// Generated from lua/ by scripts/generate-lua.mjs. Do not edit.

export const scripts = {
  accept: {
    sha: 'dbdb1542522b90e355995d32b6cc8e0a01aece8f',
    text: `local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
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
return {1, now}`,
  },
  announce: {
    sha: '4ecea10aefe83bf228f202a69655ace844bb0866',
    text: `#!lua flags=allow-oom
redis.call('PUBLISH', KEYS[1], '')
return 1`,
  },
  backlog: {
    sha: 'a67a822b0824a807034292342f865a9c31bb0246',
    text: `#!lua flags=no-writes,allow-oom
local MOST_LOOKS = 100
-- As if of a record that is in no state and due at no time: it is gone, or is none.
local NO_FACTS = '-' .. struct.pack('<xd', 0)

local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local count = redis.call('ZCOUNT', KEYS[1], 0, '+inf')
local first = redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local since = tonumber(first[2] or now)

local log = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local reader = redis.pcall('XINFO', 'GROUPS', log)[1] or {}
for i = 1, #reader, 2 do
  if reader[i] == 'lag' then count = count + (reader[i + 1] or 0) end
  if reader[i] == 'last-delivered-id' then
    -- What was delayed, or is settled by now, is not due.
    for _, entry in ipairs(redis.pcall('XRANGE', log, '(' .. reader[i + 1], '+', 'COUNT', MOST_LOOKS)) do
      local facts = redis.pcall('GETRANGE', entry[2][2], 0, 9)
      local state, due = struct.unpack('<c1xd', type(facts) == 'string' and #facts == 10 and facts or NO_FACTS)
      if (state == 'P' or state == 'R' or state == 'F') and due <= now then
        since = math.min(since, due)
        break
      end
    end
  end
end
return {count, math.max(0, now - since)}`,
  },
  claim: {
    sha: '050b8d2707036c58cbe22d9bacd54ea46640bfca',
    text: `local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function place_of(value, rest, name)
  local _, _, order, queue, group = struct.unpack(PLACE, value, rest)
  local member = string.format('%.0f:', order) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- What is not due any more stands below 0, at the end of its retention. See record-codec.ts about XX and pcall.
local function put_below_0(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease_id, fingerprint = ARGV[1], ARGV[2]
local lock_ttl, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local watched, token, created, attempts, losses, label, last_error = '0', 0, now, 0, 0, ARGV[7], ''
local accepted, took_over, uncounted = nil, nil, 0

-- A lease that ends further ahead than it was to last was taken before the clock stepped back: it ends after its length.
local function cut(name, value, ends, ttl, kept, rest)
  if string.sub(value, 1, 1) == 'r' then
    local expires = ends + math.max(ttl, kept)
    local head, lease = string.sub(value, 1, 2) .. struct.pack('<d', expires), string.sub(value, 11, 18)
    redis.call('SET', name, head .. lease .. struct.pack('<d', ends) .. string.sub(value, 27), 'PXAT', expires)
    return
  end
  local agenda, member, group = place_of(value, rest, name)
  redis.call('SETRANGE', name, 2, struct.pack('<d', ends))
  redis.call('SETRANGE', name, 18, struct.pack('<d', ends))
  -- See record-codec.ts about XX and pcall.
  redis.pcall('ZADD', agenda, 'XX', 'LT', ends, group or member)
end

local value = redis.call('GET', KEYS[1])
if value then
  local state, marked, expires, lease, lease_ends, _, ttl, kept, holder, issued, since, started, lost, known, said,
    rest = struct.unpack(RECORD, value)
  local unfinished = state == 'P' or state == 'R' or state == 'F'
  watched, token = marked, issued
  if now < expires or unfinished then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'c' or state == 'C' then return value end
    if state == 'r' or state == 'R' then
      if holder == lease_id then return {1, started, issued, 0} end
      local length = lease == 0 and ttl or math.abs(lease)
      if lease_ends > now + length then
        cut(KEYS[1], value, now + length, ttl, kept, rest)
        return {2, length}
      end
      if now < lease_ends then return {2, lease_ends - now} end
      took_over = 1
      if lease < 0 then uncounted = 1 else lost = lost + 1 end
    end
    if lost >= tonumber(ARGV[6]) or state == 'D' then return {4, lost} end
    created, attempts, losses = since, started, lost
    local known_label = string.sub(said, 1, 1) == '#' and string.sub(said, 1, 2 + string.byte(said, 2)) or ''
    last_error = took_over and '=attempt ' .. started .. ' was lost: its lease ended without a word'
      or string.sub(said, #known_label + 1)
    if known_label ~= '' then label = known_label end
    if known ~= '' then fingerprint = known end
    if unfinished then
      local round, earlier = struct.unpack('<I4I4', value, rest)
      accepted = struct.pack('<I4I4', round, earlier + uncounted) .. string.sub(value, rest + 8)
    end
  end
end

local told = label .. last_error
local lease = math.min(tonumber(ARGV[3]), lock_ttl)
local lease_ends = now + lease
local expires = accepted and lease_ends or lease_ends + math.max(lock_ttl, retention)
attempts, token = attempts + 1, math.max(token + 1, micros)
value = struct.pack(RECORD, accepted and 'R' or 'r', watched, expires, lease, lease_ends, now,
  lock_ttl, retention, #lease_id, lease_id, token, created, attempts, losses, #fingerprint, fingerprint,
  #told, told)
if accepted then
  redis.call('SET', KEYS[1], value .. accepted)
else
  redis.call('SET', KEYS[1], value, 'PXAT', expires)
end
return {1, attempts, token, took_over or 0}`,
  },
  complete: {
    sha: 'bc25f16e605257c5c958b31df71aa7fcacea6810',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function place_of(value, rest, name)
  local _, _, order, queue, group = struct.unpack(PLACE, value, rest)
  local member = string.format('%.0f:', order) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- What is not due any more stands below 0, at the end of its retention. See record-codec.ts about XX and pcall.
local function put_below_0(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, settled, _, _, _, retention, holder =
  struct.unpack(HEAD, value)
if holder ~= ARGV[1] or (now >= expires and state ~= 'R') then return 0 end
if state == 'c' or state == 'C' then return settled end
if state ~= 'r' and state ~= 'R' then return 0 end

expires = now + retention
if state == 'R' then
  local _, _, _, _, _, _, rest = struct.unpack(AFTER_HEAD, value, 55 + #holder)
  local agenda, member, group = place_of(value, rest, KEYS[1])
  put_below_0(agenda, member, group, expires)
end
value = struct.pack('<c1c1dd', state == 'R' and 'C' or 'c', watched, expires, now) .. string.sub(value, 19) .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PXAT', expires)
-- By pcall: an error after the write would be taken for "nothing was written".
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return now`,
  },
  cut: {
    sha: 'e39fe761eeafc808ebb6e532e6223484883af131',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local agenda, groups = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':group:'
local from = math.max(now, tonumber(ARGV[1]))
local entries = redis.call('ZRANGE', agenda, '(' .. string.format('%.0f', from), '+inf', 'BYSCORE', 'LIMIT', 0,
  ARGV[2], 'WITHSCORES')
for i = 1, #entries, 2 do
  local entry = entries[i]
  local member = string.sub(entry, 1, #groups) == groups and redis.call('ZRANGE', entry, 0, 0)[1] or entry
  local name = string.sub(member, (string.find(member, ':', 1, true) or 0) + 1)
  local value = redis.pcall('GET', name)
  if type(value) == 'string' and #value > 54 then
    local state, _, due, settled, ends, _, ttl, _, _, _, created, _, _, _, _, rest =
      struct.unpack(RECORD, value)
    local round, at = struct.unpack('<I4', value, rest), due
    if state == 'R' then
      at = math.min(due, now + (settled == 0 and ttl or math.abs(settled)))
    elseif state == 'F' and settled > now then
      at = now + due - settled
    elseif state == 'P' and (round > 1 or created > now) then
      at = math.min(due, now)
    end
    if at < due then
      redis.call('SETRANGE', name, 2, struct.pack('<d', at))
      if state == 'R' then redis.call('SETRANGE', name, 18, struct.pack('<d', at)) end
      if state == 'F' then redis.call('SETRANGE', name, 10, struct.pack('<d', now)) end
      redis.pcall('ZADD', agenda, 'XX', 'LT', at, entry)
    end
  end
end
return #entries < 2 * tonumber(ARGV[2]) and '' or entries[#entries]`,
  },
  delete: {
    sha: '4cf9e7a0c3e2f0b37d08acad70d826728e008a6a',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function place_of(value, rest, name)
  local _, _, order, queue, group = struct.unpack(PLACE, value, rest)
  local member = string.format('%.0f:', order) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- What is not due any more stands below 0, at the end of its retention. See record-codec.ts about XX and pcall.
local function put_below_0(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, _, lock_ttl, retention, _, token, _, _, _, _, _, rest =
  struct.unpack(RECORD, value)
local unfinished = state == 'P' or state == 'R' or state == 'F'
if now >= expires and not unfinished then return 0 end
if (state == 'r' or state == 'R') and now < lease_ends and ARGV[1] ~= '1' then return 2 end

if unfinished or state == 'C' or state == 'D' then
  -- Just below 0: the next take removes it from the log.
  local agenda, member, group = place_of(value, rest, KEYS[1])
  put_below_0(agenda, member, unfinished and group, 1)
end
value = struct.pack(RECORD, 'd', watched, 0, 0, 0, 0, 0, 0,
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
    sha: 'eb44b35017d3f395f4d0d2bbf9f4a45cc3d4cc22',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local entries = redis.call('ZRANGE', KEYS[1], 0, now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
local times = {}
for i = 2, #entries, 2 do times[#times + 1] = entries[i] end

local log = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local reader = redis.pcall('XINFO', 'GROUPS', log)[1] or {}
for i = 1, #reader, 2 do
  if reader[i] == 'last-delivered-id' then
    for _, entry in ipairs(redis.pcall('XRANGE', log, '(' .. reader[i + 1], '+', 'COUNT', ARGV[1])) do
      times[#times + 1] = math.min(now, math.floor(string.match(entry[1], '^%d+') / 1000))
    end
  end
end
return times`,
  },
  fail: {
    sha: '63051297233353d56140e2d4443533a1e7e2d3e9',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function place_of(value, rest, name)
  local _, _, order, queue, group = struct.unpack(PLACE, value, rest)
  local member = string.format('%.0f:', order) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- What is not due any more stands below 0, at the end of its retention. See record-codec.ts about XX and pcall.
local function put_below_0(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
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
-- The label stays in front of the error.
local label = string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
text = label .. ARGV[2]
local facts = string.sub(value, 19, text_at - 1) .. struct.pack('<I4c0', #text, text)
expires = now + retention
if state == 'r' then
  redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'f', watched, expires, now) .. facts, 'PXAT', expires)
else
  local round, earlier = struct.unpack(PLACE, value, rest)
  local accepted = struct.pack('<I4I4', round, earlier + tonumber(ARGV[4])) .. string.sub(value, rest + 8)
  local agenda, member, group = place_of(value, rest, KEYS[1])
  if ARGV[3] ~= 'dead' then
    -- See record-codec.ts about XX and pcall.
    local due = now + tonumber(ARGV[3])
    redis.pcall('ZADD', agenda, 'XX', 'LT', due, group or member)
    redis.call('SET', KEYS[1], struct.pack('<c1c1dd', 'F', watched, due, now) .. facts .. accepted)
  else
    put_below_0(agenda, member, group, expires)
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
    sha: '62767c1e2e63e4d3625d383ce6e52b9ed69f6248',
    text: `local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local key, process, last = KEYS[1], ARGV[2], tonumber(ARGV[3])
-- Of a process that is silent for so long nothing is kept.
local oldest = now - 86400000000
local id = redis.call('ZRANGEBYSCORE', key, 0, 0, 'LIMIT', 0, 1)[1]
local kept, before = tonumber(redis.call('ZSCORE', key, process) or 0), ''
if kept < last and last > oldest then
  before = tonumber(redis.call('ZREVRANGEBYSCORE', key, last, '(0', 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
end
-- The clock may have stepped back.
local mark = math.max(now, kept + 1, last + 1)
redis.call('ZADD', key, 0, id or ARGV[1], mark, process)
redis.call('ZREMRANGEBYSCORE', key, '(0', oldest)
return {id or ARGV[1], mark, before}`,
  },
  leased: {
    sha: '8a7992cf9671aa569784f4669ef9c60b8a358963',
    text: `#!lua flags=no-writes,allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local MOST_LOOKS = 5000
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local agenda, groups = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':group:'
local claims = {now, 0}
local entries = redis.call('ZRANGE', agenda, '(' .. now, now + tonumber(ARGV[2]), 'BYSCORE', 'LIMIT', 0, MOST_LOOKS)
for _, entry in ipairs(entries) do
  local member = string.sub(entry, 1, #groups) == groups and redis.call('ZRANGE', entry, 0, 0)[1] or entry
  local name = string.sub(member, (string.find(member, ':', 1, true) or 0) + 1)
  local value = redis.pcall('GET', name)
  if type(value) == 'string' and #value > 54 then
    local state, _, _, _, lease_ends, _, _, _, holder = struct.unpack(HEAD, value)
    if state == 'R' and holder == ARGV[1] and now < lease_ends then
      claims[#claims + 1] = name
      claims[#claims + 1] = now
      claims[#claims + 1] = value
      claims[#claims + 1] = 0
    end
  end
end
return claims`,
  },
  logged: {
    sha: '6571eea167095ee1726676e6c462d54cad4e5a8c',
    text: `#!lua flags=no-writes,allow-oom
return redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])`,
  },
  redrive: {
    sha: 'e1a28167492c8c0b406247ad353d0d95af64de82',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function place_of(value, rest, name)
  local _, _, order, queue, group = struct.unpack(PLACE, value, rest)
  local member = string.format('%.0f:', order) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- What is not due any more stands below 0, at the end of its retention. See record-codec.ts about XX and pcall.
local function put_below_0(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, claimed, lock_ttl, retention, holder, token, created, attempts, _,
  fingerprint, last_error, rest = struct.unpack(RECORD, value)
if state == 'P' or state == 'R' or state == 'F' then return 2 end
if (state ~= 'C' and state ~= 'D') or now >= expires then return 0 end
if state == 'C' and ARGV[1] ~= '1' then return 3 end

local round, _, order, queue, group, delivery = struct.unpack(ACCEPTED, value, rest)
local agenda, member, queued = place_of(value, rest, KEYS[1])
-- What is unread in the log comes into the agenda when it is read.
local reader, read = redis.pcall('XINFO', 'GROUPS', queue .. ':log')[1] or {}, math.huge
for i = 1, #reader, 2 do
  if reader[i] == 'last-delivered-id' then read = tonumber(string.match(reader[i + 1], '^%d+')) end
end
if order <= read then
  if queued then
    redis.call('ZREM', agenda, member)
    redis.call('ZADD', queued, order, member)
    redis.call('ZADD', agenda, 0, queued)
  elseif redis.pcall('ZADD', agenda, 'XX', 'CH', now, member) ~= 1 then
    return redis.error_reply('TRYAGAIN the slot is moving, and the agenda is on another server')
  end
end
value = struct.pack(RECORD, 'P', watched, now, 0, lease_ends, claimed, lock_ttl, retention, #holder, holder, token,
  created, attempts, 0, #fingerprint, fingerprint, #last_error, last_error)
local accepted = struct.pack(ACCEPTED, round + 1, attempts, order, #queue, queue, #group, group, #delivery, delivery)
redis.call('SET', KEYS[1], value .. accepted)
return 1`,
  },
  renew: {
    sha: '7da5b9c2039a2d4be50043c32157c3b8592d2878',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function place_of(value, rest, name)
  local _, _, order, queue, group = struct.unpack(PLACE, value, rest)
  local member = string.format('%.0f:', order) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- What is not due any more stands below 0, at the end of its retention. See record-codec.ts about XX and pcall.
local function put_below_0(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, claimed, lock_ttl, retention, holder =
  struct.unpack(HEAD, value)
if (state ~= 'r' and state ~= 'R') or holder ~= ARGV[1] or now >= lease_ends then return 0 end

lease_ends = math.min(now + tonumber(ARGV[2]), claimed + lock_ttl)
if state == 'R' then
  if lease_ends < expires then
    -- The agenda may have an earlier time, and no later one. See record-codec.ts about XX and pcall.
    local _, _, _, _, _, _, rest = struct.unpack(AFTER_HEAD, value, 55 + #holder)
    local agenda, member, group = place_of(value, rest, KEYS[1])
    redis.pcall('ZADD', agenda, 'XX', 'LT', lease_ends, group or member)
  end
  redis.call('SETRANGE', KEYS[1], 2, struct.pack('<ddd', lease_ends, ARGV[2], lease_ends))
else
  expires = lease_ends + math.max(lock_ttl, retention)
  value = struct.pack('<c1c1ddd', 'r', watched, expires, ARGV[2], lease_ends) .. string.sub(value, 27)
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
    sha: 'e60e7fabffe2e77f5d899211caa657682e51922c',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local MOST_FORGOTTEN, MOST_LOOKS, MOST_BYTES, LATER_MS, LEAST_READ = 500, 5000, 8388608, 2000, 32

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local agenda, queue = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1)
local log, groups = queue .. ':log', queue .. ':group:'
local most, lease_id, lock_ttl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[4])
local most_losses, lost_error = tonumber(ARGV[5]), ARGV[6]
local lease = math.min(tonumber(ARGV[3]), lock_ttl)
local lease_ends = now + lease
local claims, taken, bytes, looks, all_read = {now, 0}, 0, 0, 0, false

local function due_entries()
  return redis.call('ZRANGE', agenda, 0, now, 'BYSCORE', 'LIMIT', 0, most - taken, 'WITHSCORES')
end

-- Whether nothing that is unread in the log can have been due for longer than these: the last of them was read, and since
-- before its acceptance at that, while what is unread was accepted later.
local function suffice(entries)
  local order = #entries == 2 * (most - taken) and string.match(entries[#entries - 1], '^(%d+):')
  return all_read or order and tonumber(entries[#entries]) <= order / 1000
end

-- Reads on in the log until the agenda has so many entries more, each since its acceptance: whoever finds that too early
-- corrects it. Finding the place in the log costs as much as reading some, so a few more are read. Returns the entries
-- that are due in it then; where there was nothing before, those need not go through it.
local function read(wanted, was_empty)
  local step = math.max(wanted, LEAST_READ)
  while wanted > 0 and looks < MOST_LOOKS and not all_read do
    -- Nothing, or an error where the log is not at hand (see below).
    local found = redis.pcall('XREADGROUP', 'GROUP', 'agenda', 'agenda', 'COUNT', step, 'NOACK', 'STREAMS', log, '>')
    local entries = found and found[1] and found[1][2] or {}
    all_read, looks, step = #entries < step, looks + #entries, math.min(2 * step, 1000)
    local places = {}
    for _, entry in ipairs(entries) do
      local order, group, name = string.sub(entry[1], 1, -#'-0' - 1), entry[2][1], entry[2][2]
      local member, since = order .. ':' .. name, math.min(now, math.floor(order / 1000))
      if group == '' then
        places[#places + 1] = since
        places[#places + 1] = member
        wanted = wanted - 1
      else
        redis.call('ZADD', groups .. group, order, member)
        wanted = wanted - redis.call('ZADD', agenda, 'NX', since, groups .. group)
      end
    end
    if was_empty and #places == 2 * #entries and (wanted <= 0 or all_read) then
      local last = math.min(#places, #places + 2 * wanted)
      if last < #places then redis.call('ZADD', agenda, unpack(places, last + 1)) end
      local straight = {}
      for i = 1, last, 2 do straight[i], straight[i + 1] = places[i + 1], places[i] end
      return straight
    end
    was_empty = false
    if #places > 0 then redis.call('ZADD', agenda, unpack(places)) end
  end
  return due_entries()
end

-- Takes the record if it is due since then. Returns its place in the agenda, nothing if it is not there.
local function take(member, since)
  local colon = string.find(member, ':', 1, true)
  local order, name = tonumber(string.sub(member, 1, colon - 1)), string.sub(member, colon + 1)
  local value = redis.pcall('GET', name)
  if not value and type(redis.pcall('EXISTS', name, agenda)) == 'number' then return -1 end
  if type(value) ~= 'string' then return nil end
  local state, watched, due, settled, ended, claimed, ttl, retention, holder, token, created, attempts, losses,
    fingerprint, told, rest = struct.unpack(RECORD, value)
  local unfinished = state == 'P' or state == 'R' or state == 'F'
  if not unfinished and state ~= 'C' and state ~= 'D' then return -1 end
  -- Of an earlier record of that name.
  if struct.unpack('<d', value, rest + 8) ~= order then return -1 end
  if not unfinished then return -due end
  local round, earlier = struct.unpack('<I4I4', value, rest)
  -- It was accepted before the clock stepped back.
  if state == 'P' and created > now then due = since end
  if due > since then return due end

  local took_over = state == 'R' and 1 or 0
  -- See record-codec.ts about what \`settled\` means while it runs.
  local begun = settled >= 0
  local label = string.sub(told, 1, 1) == '#' and string.sub(told, 1, 2 + string.byte(told, 2)) or ''
  if took_over == 1 then
    if begun then losses = losses + 1 else earlier = earlier + 1 end
    told = label .. '=attempt ' .. attempts .. ' was lost: its lease ended without a word'
  end
  if losses >= most_losses then
    local expires = now + retention
    told = label .. lost_error
    value = struct.pack(RECORD, 'D', watched, expires, now, ended, claimed, ttl, retention,
      #holder, holder, token, created, attempts, losses, #fingerprint, fingerprint, #told, told)
      .. string.sub(value, rest)
    redis.call('SET', name, value, 'PXAT', expires)
    if watched == '1' then redis.pcall('PUBLISH', name, '') end
    return -expires
  end
  value = struct.pack(RECORD, 'R', watched, lease_ends, -lease, lease_ends, now, lock_ttl,
    retention, #lease_id, lease_id, math.max(token + 1, micros), created, attempts + 1, losses,
    #fingerprint, fingerprint, #told, told) .. struct.pack('<I4I4', round, earlier) .. string.sub(value, rest + 8)
  redis.call('SET', name, value)
  taken, bytes = taken + 1, bytes + #value
  claims[#claims + 1] = name
  claims[#claims + 1] = since
  claims[#claims + 1] = value
  claims[#claims + 1] = took_over
  return lease_ends
end

-- The same, and nothing for what is no record: what was read in the log has its place to get, whatever happens.
local function place_of(member, since)
  local fine, place = pcall(take, member, since)
  return fine and place or nil
end

while taken < most and bytes < MOST_BYTES and looks < MOST_LOOKS do
  local entries = due_entries()
  if not suffice(entries) then entries = read(most - taken, #entries == 0) end
  if #entries == 0 then break end
  local places = {}
  local function put(place, member)
    places[#places + 1] = place
    places[#places + 1] = member
  end
  for i = 1, #entries, 2 do
    local entry, since = entries[i], tonumber(entries[i + 1])
    looks = looks + 1
    if bytes >= MOST_BYTES then
      put(since, entry)
    elseif string.sub(entry, 1, #groups) ~= groups then
      -- In a Cluster whose slots are moving a record may be on another server for a moment.
      put(place_of(entry, since) or now + LATER_MS, entry)
    else
      local first = redis.call('ZRANGE', entry, 0, 0)[1]
      local place = first and (place_of(first, since) or now + LATER_MS)
      if not first then
        redis.call('ZREM', agenda, entry)
      elseif place >= 0 then
        put(place, entry)
      else
        redis.call('ZREM', entry, first)
        put(place, first)
        put(0, entry)
      end
    end
  end
  if #places > 0 then redis.call('ZADD', agenda, unpack(places)) end
end
if taken == 0 and looks >= MOST_LOOKS then claims[2] = 1 end

-- What is below 0 is settled, and expired by now: the log forgets it, if it is at hand.
local expired = redis.call('ZRANGE', agenda, '(' .. -now, '(0', 'BYSCORE', 'LIMIT', 0, MOST_FORGOTTEN)
if #expired > 0 and redis.pcall('EXISTS', log) == 1 then
  local ids = {}
  for i, member in ipairs(expired) do ids[i] = string.match(member, '^%d+') end
  redis.call('XDEL', log, unpack(ids))
  redis.call('ZREM', agenda, unpack(expired))
end
return claims`,
  },
  watch: {
    sha: 'ef02539cd41b030501942ac52d446d60d2fff320',
    text: `local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local PLACE = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local mark = redis.call('GETRANGE', KEYS[1], 1, 1)
if mark == '0' then
  redis.call('SETRANGE', KEYS[1], 1, '1')
elseif mark == '' then
  local value = struct.pack(RECORD, 'd', '1', 0, 0, 0, 0, 0, 0,
    0, '', 0, 0, 0, 0, 0, '', 0, '')
  redis.call('SET', KEYS[1], value, 'PX', 3600000)
end
return 1`,
  },
} as const
