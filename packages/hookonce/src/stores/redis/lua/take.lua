#!lua flags=allow-oom
-- Takes due records of a queue, longest due first, and starts an attempt of each.
-- KEYS[1] the queue's agenda, whose other keys have names that begin alike: see keys.ts. ARGV: most, lease id,
--   lease ms, lock TTL ms, most losses, '=' and the error of a record that lost so many.
-- Result: ms since the epoch, 1 if nothing was taken although not all was looked at that may be due, and of each record
--   that was taken: its name, since when it was due, its value, 1 if it was taken over.
-- @include record
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
  -- See record-codec.ts about what `settled` means while it runs.
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
return claims
