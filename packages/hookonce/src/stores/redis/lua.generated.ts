// Generated from lua/ by scripts/generate-lua.mjs. Do not edit.

export const scripts = {
  accept: {
    sha: 'c858f5b7d0d18a0088dc68b4769473024d19b6e1',
    text: `local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
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

-- The queue's hash tag is \`inbox\` unless it is in a Cluster: see keys.ts.
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
return {1, now}`,
  },
  announce: {
    sha: '4ecea10aefe83bf228f202a69655ace844bb0866',
    text: `#!lua flags=allow-oom
redis.call('PUBLISH', KEYS[1], '')
return 1`,
  },
  backlog: {
    sha: '5bd9dde9cfece1b5929d2b0a474dc4bc322fe247',
    text: `#!lua flags=no-writes,allow-oom
local function read_position(stream)
  local group, fields = redis.pcall('XINFO', 'GROUPS', stream)[1] or {}, {}
  for i = 1, #group, 2 do fields[group[i]] = group[i + 1] end
  return fields['last-delivered-id'], fields['lag'] or 0
end
local DEAD = 1000000000000000
local MOST_UNREAD = 100
-- For a key that is gone or holds no record: no state, never due.
local NO_FACTS = '-' .. struct.pack('<xd', 0)

local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local count = redis.call('ZCOUNT', KEYS[1], 0, '+inf')
local first = redis.call('ZRANGE', KEYS[1], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
local since = tonumber(first[2] or now)

local stream = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local last_id, unread = read_position(stream)
if last_id then
  -- An unread record need not be due: it may be delayed, or settled meanwhile.
  for _, entry in ipairs(redis.pcall('XRANGE', stream, '(' .. last_id, '+', 'COUNT', MOST_UNREAD)) do
    local facts = redis.pcall('GETRANGE', entry[2][2], 0, 9)
    local state, due = struct.unpack('<c1xd', type(facts) == 'string' and #facts == 10 and facts or NO_FACTS)
    if (state == 'P' or state == 'R' or state == 'F') and due <= now then
      since = math.min(since, due)
      break
    end
  end
end
local dead = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. string.format('%.0f', -(DEAD + now)))
return {count + unread, math.max(0, now - since), dead}`,
  },
  claimDue: {
    sha: 'a079118a3908528c9488d64105d1ffb01618c1b4',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
-- The parts of the text that has label, history and last error; '' for what it does not have.
local function parts_of(text)
  local label = string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
  local at = #label + 1
  local bytes = string.sub(text, at, at) == '@' and 3 + struct.unpack('<I2', text, at + 1) or 0
  return label, string.sub(text, at, at + bytes - 1), string.sub(text, at + bytes)
end

-- How the last attempt failed, and the lines of those before it, a line feed in front of each; '' for either.
local function told_by(history)
  local at = string.find(history, '\\n', 4, true) or #history + 1
  return string.sub(history, 4, at - 1), string.sub(history, at)
end

local function history_of(outcome, lines)
  return '@' .. struct.pack('<I2', #outcome + #lines) .. outcome .. lines
end

-- The history of a record whose last attempt failed so.
local function with_outcome(history, outcome)
  local _, lines = told_by(history)
  return history_of(outcome, lines)
end

-- The history once another attempt follows the last one: withLast in stores/history.ts. Without \`outcome\` the one that is
-- told, or that of a version which told none.
local function with_last(history, number, token, lease_id, began, ended, outcome)
  local told, lines = told_by(history)
  outcome = outcome or (told ~= '' and told or 'failed')
  -- The clock may have stepped back.
  local took = math.max(0, ended - began)
  lines = lines .. string.format('\\n%.0f %.0f ', number, token) .. string.sub(string.match(lease_id, '^[^.]*'), 1, 8)
    .. string.format(' %.0f %.0f ', began, took) .. outcome
  local tenth = 1
  for _ = 1, 9 do tenth = tenth and string.find(lines, '\\n', tenth + 1, true) end
  if tenth then lines = string.sub(lines, (string.find(lines, '\\n', 2, true))) end
  return history_of('', lines)
end
local DEAD = 1000000000000000
local MOST_DELETED, MOST_ENTRIES, MOST_BYTES, RETRY_MS, LEAST_READ = 500, 5000, 8388608, 2000, 32

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local agenda, queue = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1)
local stream, groups = queue .. ':log', queue .. ':group:'
local most, lease_id, lock_ttl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[4])
local most_losses, lost_error = tonumber(ARGV[5]), ARGV[6]
local lease = math.min(tonumber(ARGV[3]), lock_ttl)
local lease_ends = now + lease
local claims, claimed_count, bytes, entry_count, all_read = {now, 0}, 0, 0, 0, false

local function due_entries()
  return redis.call('ZRANGE', agenda, 0, now, 'BYSCORE', 'LIMIT', 0, most - claimed_count, 'WITHSCORES')
end

-- Whether no unread record can have been due for longer than these entries. Unread records were accepted after the last
-- of these, and that is due since its acceptance or longer.
local function suffice(entries)
  local position = #entries == 2 * (most - claimed_count) and string.match(entries[#entries - 1], '^(%d+):')
  return all_read or position and tonumber(entries[#entries]) <= position / 1000
end

-- Reads the stream on until the agenda has so many entries more, and returns the entries that are due. The score of a new
-- entry is its acceptance, whatever became of the record; claim() corrects it. Finding the place in the stream costs as much
-- as reading a few entries, so it reads LEAST_READ or more. Into an empty agenda it does not write the entries it returns.
local function read(wanted, was_empty)
  local step = math.max(wanted, LEAST_READ)
  while wanted > 0 and entry_count < MOST_ENTRIES and not all_read do
    -- Nothing, or an error if the stream is on another server (see record-codec.ts).
    local reply = redis.pcall('XREADGROUP', 'GROUP', 'agenda', 'agenda', 'COUNT', step, 'NOACK', 'STREAMS', stream, '>')
    local entries = reply and reply[1] and reply[1][2] or {}
    all_read, entry_count, step = #entries < step, entry_count + #entries, math.min(2 * step, 1000)
    local added = {}
    for _, entry in ipairs(entries) do
      local position, group, name = string.sub(entry[1], 1, -#'-0' - 1), entry[2][1], entry[2][2]
      local member, since = position .. ':' .. name, math.min(now, math.floor(position / 1000))
      if group == '' then
        added[#added + 1] = since
        added[#added + 1] = member
        wanted = wanted - 1
      else
        redis.call('ZADD', groups .. group, position, member)
        wanted = wanted - redis.call('ZADD', agenda, 'NX', since, groups .. group)
      end
    end
    if was_empty and #added == 2 * #entries and (wanted <= 0 or all_read) then
      local last = math.min(#added, #added + 2 * wanted)
      if last < #added then redis.call('ZADD', agenda, unpack(added, last + 1)) end
      local due = {}
      for i = 1, last, 2 do due[i], due[i + 1] = added[i + 1], added[i] end
      return due
    end
    was_empty = false
    if #added > 0 then redis.call('ZADD', agenda, unpack(added)) end
  end
  return due_entries()
end

-- Claims the record if it is due. Returns the score of its entry from now on; nil if the record is not on this server.
local function claim(member, since)
  local colon = string.find(member, ':', 1, true)
  local position, name = tonumber(string.sub(member, 1, colon - 1)), string.sub(member, colon + 1)
  local value = redis.pcall('GET', name)
  if not value and type(redis.pcall('EXISTS', name, agenda)) == 'number' then return -1 end
  if type(value) ~= 'string' then return nil end
  local state, watched, due, settled, ended, claimed, ttl, retention, holder, token, created, attempts, losses,
    fingerprint, text, rest = struct.unpack(RECORD, value)
  local unfinished = state == 'P' or state == 'R' or state == 'F'
  if not unfinished and state ~= 'C' and state ~= 'D' then return -1 end
  -- The entry is of an earlier record of the same name.
  if struct.unpack('<d', value, rest + 8) ~= position then return -1 end
  if not unfinished then return state == 'D' and -(DEAD + due) or -due end
  local round, earlier = struct.unpack('<I4I4', value, rest)
  -- The record was accepted before the clock stepped back.
  if state == 'P' and created > now then due = since end
  if due > since then return due end

  local took_over = state == 'R' and 1 or 0
  -- See record-codec.ts about \`settled\` of a running record.
  local begun = settled >= 0
  local label, history, last_error = parts_of(text)
  if took_over == 1 then
    if begun then losses = losses + 1 else earlier = earlier + 1 end
    last_error = '=attempt ' .. attempts .. ' was lost: its lease ended without a word'
  end
  if losses >= most_losses then
    local expires = now + retention
    text = label .. with_outcome(history, 'lost') .. lost_error
    value = struct.pack(RECORD, 'D', watched, expires, now, ended, claimed, ttl, retention,
      #holder, holder, token, created, attempts, losses, #fingerprint, fingerprint, #text, text)
      .. string.sub(value, rest)
    redis.call('SET', name, value, 'PXAT', expires)
    if watched == '1' then redis.pcall('PUBLISH', name, '') end
    return -(DEAD + expires)
  end
  if took_over == 1 then
    history = with_last(history, attempts, token, holder, claimed, now, 'lost')
  elseif state == 'F' then
    history = with_last(history, attempts, token, holder, claimed, settled)
  end
  text = label .. history .. last_error
  value = struct.pack(RECORD, 'R', watched, lease_ends, -lease, lease_ends, now, lock_ttl,
    retention, #lease_id, lease_id, math.max(token + 1, micros), created, attempts + 1, losses,
    #fingerprint, fingerprint, #text, text)
    .. struct.pack('<I4I4', round, earlier) .. string.sub(value, rest + 8)
  redis.call('SET', name, value)
  claimed_count, bytes = claimed_count + 1, bytes + #value
  claims[#claims + 1] = name
  claims[#claims + 1] = since
  claims[#claims + 1] = value
  claims[#claims + 1] = took_over
  return lease_ends
end

-- A key that holds no record must not end the script: what was read of the stream would not get into the agenda. In a
-- Cluster whose slots are moving a record may be on another server for a moment.
local function score_after_claim(member, since)
  local succeeded, score = pcall(claim, member, since)
  return succeeded and score or now + RETRY_MS
end

while claimed_count < most and bytes < MOST_BYTES and entry_count < MOST_ENTRIES do
  local entries = due_entries()
  if not suffice(entries) then entries = read(most - claimed_count, #entries == 0) end
  if #entries == 0 then break end
  local scores = {}
  local function set_score(score, member)
    scores[#scores + 1] = score
    scores[#scores + 1] = member
  end
  for i = 1, #entries, 2 do
    local entry, since = entries[i], tonumber(entries[i + 1])
    entry_count = entry_count + 1
    if bytes >= MOST_BYTES then
      set_score(since, entry)
    elseif string.sub(entry, 1, #groups) ~= groups then
      set_score(score_after_claim(entry, since), entry)
    else
      local first = redis.call('ZRANGE', entry, 0, 0)[1]
      local score = first and score_after_claim(first, since)
      if not first then
        redis.call('ZREM', agenda, entry)
      elseif score >= 0 then
        set_score(score, entry)
      else
        redis.call('ZREM', entry, first)
        set_score(score, first)
        set_score(0, entry)
      end
    end
  end
  if #scores > 0 then redis.call('ZADD', agenda, unpack(scores)) end
end
if claimed_count == 0 and entry_count >= MOST_ENTRIES then claims[2] = 1 end

-- Once the expiry of a settled record is over, its entry is deleted from the stream and the agenda, unless the stream is on
-- another server.
local function forget(after, last)
  local expired = redis.call('ZRANGE', agenda, '(' .. string.format('%.0f', after), last, 'BYSCORE', 'LIMIT', 0, MOST_DELETED)
  if #expired == 0 or redis.pcall('EXISTS', stream) ~= 1 then return end
  local ids = {}
  for i, member in ipairs(expired) do ids[i] = string.match(member, '^%d+') end
  redis.call('XDEL', stream, unpack(ids))
  redis.call('ZREM', agenda, unpack(expired))
end
forget(-now, '(0')
forget(-(DEAD + now), -DEAD)
return claims`,
  },
  claim: {
    sha: '54bb9f897065a9414a302274e79b34e7f8cff567',
    text: `local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function queue_entry(value, rest, name)
  local _, _, position, queue, group = struct.unpack(QUEUED, value, rest)
  local member = string.format('%.0f:', position) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- A settled record has its expiry as a negative score, a dead one that of dead.lua. See record-codec.ts about XX and pcall.
local function settle_entry(agenda, member, group, expires)
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
      -- See record-codec.ts about \`settled\` of a running record.
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
-- The parts of the text that has label, history and last error; '' for what it does not have.
local function parts_of(text)
  local label = string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
  local at = #label + 1
  local bytes = string.sub(text, at, at) == '@' and 3 + struct.unpack('<I2', text, at + 1) or 0
  return label, string.sub(text, at, at + bytes - 1), string.sub(text, at + bytes)
end

-- How the last attempt failed, and the lines of those before it, a line feed in front of each; '' for either.
local function told_by(history)
  local at = string.find(history, '\\n', 4, true) or #history + 1
  return string.sub(history, 4, at - 1), string.sub(history, at)
end

local function history_of(outcome, lines)
  return '@' .. struct.pack('<I2', #outcome + #lines) .. outcome .. lines
end

-- The history of a record whose last attempt failed so.
local function with_outcome(history, outcome)
  local _, lines = told_by(history)
  return history_of(outcome, lines)
end

-- The history once another attempt follows the last one: withLast in stores/history.ts. Without \`outcome\` the one that is
-- told, or that of a version which told none.
local function with_last(history, number, token, lease_id, began, ended, outcome)
  local told, lines = told_by(history)
  outcome = outcome or (told ~= '' and told or 'failed')
  -- The clock may have stepped back.
  local took = math.max(0, ended - began)
  lines = lines .. string.format('\\n%.0f %.0f ', number, token) .. string.sub(string.match(lease_id, '^[^.]*'), 1, 8)
    .. string.format(' %.0f %.0f ', began, took) .. outcome
  local tenth = 1
  for _ = 1, 9 do tenth = tenth and string.find(lines, '\\n', tenth + 1, true) end
  if tenth then lines = string.sub(lines, (string.find(lines, '\\n', 2, true))) end
  return history_of('', lines)
end
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
return {1, attempts, token, took_over or 0}`,
  },
  complete: {
    sha: 'cfe9dce26ea83503587033720911cb5e462ac965',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function queue_entry(value, rest, name)
  local _, _, position, queue, group = struct.unpack(QUEUED, value, rest)
  local member = string.format('%.0f:', position) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- A settled record has its expiry as a negative score, a dead one that of dead.lua. See record-codec.ts about XX and pcall.
local function settle_entry(agenda, member, group, expires)
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
  local agenda, member, group = queue_entry(value, rest, KEYS[1])
  settle_entry(agenda, member, group, expires)
end
value = struct.pack('<c1c1dd', state == 'R' and 'C' or 'c', watched, expires, now) .. string.sub(value, 19) .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PXAT', expires)
-- By pcall: callers take an error reply for "nothing was written", and the record was.
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return now`,
  },
  correctDueTimes: {
    sha: 'cce33951737886a10dd4458625c2fd049c5d8c91',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function record_of(entry, groups)
  local member = string.sub(entry, 1, #groups) == groups and redis.call('ZRANGE', entry, 0, 0)[1] or entry
  local name = string.sub(member, (string.find(member, ':', 1, true) or 0) + 1)
  local value = redis.pcall('GET', name)
  if type(value) == 'string' and #value > 54 then return name, value end
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local agenda, groups = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':group:'
local from = math.max(now, tonumber(ARGV[1]))
local entries = redis.call('ZRANGE', agenda, '(' .. string.format('%.0f', from), '+inf', 'BYSCORE', 'LIMIT', 0,
  ARGV[2], 'WITHSCORES')
for i = 1, #entries, 2 do
  local entry = entries[i]
  local name, value = record_of(entry, groups)
  if value then
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
    sha: 'e73e127eaeb136c0d43140bcd16636d770adb44f',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function queue_entry(value, rest, name)
  local _, _, position, queue, group = struct.unpack(QUEUED, value, rest)
  local member = string.format('%.0f:', position) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- A settled record has its expiry as a negative score, a dead one that of dead.lua. See record-codec.ts about XX and pcall.
local function settle_entry(agenda, member, group, expires)
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
  -- An expiry in the past: the next claim-due.lua removes it from the stream.
  local agenda, member, group = queue_entry(value, rest, KEYS[1])
  settle_entry(agenda, member, unfinished and group, 1)
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
  fail: {
    sha: 'b6e2505ab61f59ac3abc3d6f7b3ade333f626e43',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function queue_entry(value, rest, name)
  local _, _, position, queue, group = struct.unpack(QUEUED, value, rest)
  local member = string.format('%.0f:', position) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- A settled record has its expiry as a negative score, a dead one that of dead.lua. See record-codec.ts about XX and pcall.
local function settle_entry(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
-- The parts of the text that has label, history and last error; '' for what it does not have.
local function parts_of(text)
  local label = string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
  local at = #label + 1
  local bytes = string.sub(text, at, at) == '@' and 3 + struct.unpack('<I2', text, at + 1) or 0
  return label, string.sub(text, at, at + bytes - 1), string.sub(text, at + bytes)
end

-- How the last attempt failed, and the lines of those before it, a line feed in front of each; '' for either.
local function told_by(history)
  local at = string.find(history, '\\n', 4, true) or #history + 1
  return string.sub(history, 4, at - 1), string.sub(history, at)
end

local function history_of(outcome, lines)
  return '@' .. struct.pack('<I2', #outcome + #lines) .. outcome .. lines
end

-- The history of a record whose last attempt failed so.
local function with_outcome(history, outcome)
  local _, lines = told_by(history)
  return history_of(outcome, lines)
end

-- The history once another attempt follows the last one: withLast in stores/history.ts. Without \`outcome\` the one that is
-- told, or that of a version which told none.
local function with_last(history, number, token, lease_id, began, ended, outcome)
  local told, lines = told_by(history)
  outcome = outcome or (told ~= '' and told or 'failed')
  -- The clock may have stepped back.
  local took = math.max(0, ended - began)
  lines = lines .. string.format('\\n%.0f %.0f ', number, token) .. string.sub(string.match(lease_id, '^[^.]*'), 1, 8)
    .. string.format(' %.0f %.0f ', began, took) .. outcome
  local tenth = 1
  for _ = 1, 9 do tenth = tenth and string.find(lines, '\\n', tenth + 1, true) end
  if tenth then lines = string.sub(lines, (string.find(lines, '\\n', 2, true))) end
  return history_of('', lines)
end
local DEAD = 1000000000000000
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
return 1`,
  },
  findEntry: {
    sha: '8f81dbdf4bebc47c65bab618624eba572327c20c',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('HGET', KEYS[2], ARGV[1])
if value and struct.unpack('<d', value, 17) > now then return {ARGV[1], value} end
return {}`,
  },
  get: {
    sha: '8dfd87124c99ade348cc81fb67f3c11a395137a5',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
return {now, redis.call('GETRANGE', KEYS[1], 0, ARGV[1])}`,
  },
  identify: {
    sha: 'fdf16c42388c15bb636668708681520ecc6ef472',
    text: `local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local key, process, last = KEYS[1], ARGV[2], tonumber(ARGV[3])
-- After a day without a new mark a process is forgotten.
local oldest = now - 86400000000
local id = redis.call('ZRANGEBYSCORE', key, 0, 0, 'LIMIT', 0, 1)[1]
local found, earlier = tonumber(redis.call('ZSCORE', key, process) or 0), ''
if found < last and last > oldest then
  earlier = tonumber(redis.call('ZREVRANGEBYSCORE', key, last, '(0', 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
end
-- Rises even if the clock stepped back.
local mark = math.max(now, found + 1, last + 1)
redis.call('ZADD', key, 0, id or ARGV[1], mark, process)
redis.call('ZREMRANGEBYSCORE', key, '(0', oldest)
return {id or ARGV[1], mark, earlier}`,
  },
  listAccepted: {
    sha: '6571eea167095ee1726676e6c462d54cad4e5a8c',
    text: `#!lua flags=no-writes,allow-oom
return redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])`,
  },
  listLeased: {
    sha: '8a489d3e144ce8159865e0e32b253ad91761dee1',
    text: `#!lua flags=no-writes,allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function record_of(entry, groups)
  local member = string.sub(entry, 1, #groups) == groups and redis.call('ZRANGE', entry, 0, 0)[1] or entry
  local name = string.sub(member, (string.find(member, ':', 1, true) or 0) + 1)
  local value = redis.pcall('GET', name)
  if type(value) == 'string' and #value > 54 then return name, value end
end
local MOST_ENTRIES = 5000
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local agenda, groups = KEYS[1], string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':group:'
local claims = {now, 0}
local entries = redis.call('ZRANGE', agenda, '(' .. now, now + tonumber(ARGV[2]), 'BYSCORE', 'LIMIT', 0, MOST_ENTRIES)
for _, entry in ipairs(entries) do
  local name, value = record_of(entry, groups)
  if value then
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
  listScopes: {
    sha: '93e0fd6c3bead7e309a223e1dd2fe736e9d06fc6',
    text: `#!lua flags=no-writes,allow-oom
return redis.call('SMEMBERS', KEYS[1])`,
  },
  peekDue: {
    sha: '738e2f1a4425ca33f3bb8f82075570dadff84be3',
    text: `#!lua flags=no-writes,allow-oom
local function read_position(stream)
  local group, fields = redis.pcall('XINFO', 'GROUPS', stream)[1] or {}, {}
  for i = 1, #group, 2 do fields[group[i]] = group[i + 1] end
  return fields['last-delivered-id'], fields['lag'] or 0
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local entries = redis.call('ZRANGE', KEYS[1], 0, now, 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
local times = {}
for i = 2, #entries, 2 do times[#times + 1] = entries[i] end

local stream = string.sub(KEYS[1], 1, -#':agenda' - 1) .. ':log'
local last_id = read_position(stream)
if last_id then
  for _, entry in ipairs(redis.pcall('XRANGE', stream, '(' .. last_id, '+', 'COUNT', ARGV[1])) do
    times[#times + 1] = math.min(now, math.floor(string.match(entry[1], '^%d+') / 1000))
  end
end
return times`,
  },
  readEntries: {
    sha: '5d40365932ab6613a6484bf49ecf5fe9f2e3faa5',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local found = {}
for _, position in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])) do
  local id = string.sub(position, 17)
  local value = redis.call('HGET', KEYS[2], id)
  if value and struct.unpack('<d', value, 17) > now then
    found[#found + 1] = id
    found[#found + 1] = value
  end
end
return found`,
  },
  redrive: {
    sha: 'cd31a3623f832baa7e516e27cf66da19061049fc',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function queue_entry(value, rest, name)
  local _, _, position, queue, group = struct.unpack(QUEUED, value, rest)
  local member = string.format('%.0f:', position) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- A settled record has its expiry as a negative score, a dead one that of dead.lua. See record-codec.ts about XX and pcall.
local function settle_entry(agenda, member, group, expires)
  if not group then
    redis.pcall('ZADD', agenda, 'XX', -expires, member)
  elseif redis.call('ZREM', group, member) == 1 then
    redis.call('ZADD', agenda, -expires, member, 0, group)
  end
end
-- The parts of the text that has label, history and last error; '' for what it does not have.
local function parts_of(text)
  local label = string.sub(text, 1, 1) == '#' and string.sub(text, 1, 2 + string.byte(text, 2)) or ''
  local at = #label + 1
  local bytes = string.sub(text, at, at) == '@' and 3 + struct.unpack('<I2', text, at + 1) or 0
  return label, string.sub(text, at, at + bytes - 1), string.sub(text, at + bytes)
end

-- How the last attempt failed, and the lines of those before it, a line feed in front of each; '' for either.
local function told_by(history)
  local at = string.find(history, '\\n', 4, true) or #history + 1
  return string.sub(history, 4, at - 1), string.sub(history, at)
end

local function history_of(outcome, lines)
  return '@' .. struct.pack('<I2', #outcome + #lines) .. outcome .. lines
end

-- The history of a record whose last attempt failed so.
local function with_outcome(history, outcome)
  local _, lines = told_by(history)
  return history_of(outcome, lines)
end

-- The history once another attempt follows the last one: withLast in stores/history.ts. Without \`outcome\` the one that is
-- told, or that of a version which told none.
local function with_last(history, number, token, lease_id, began, ended, outcome)
  local told, lines = told_by(history)
  outcome = outcome or (told ~= '' and told or 'failed')
  -- The clock may have stepped back.
  local took = math.max(0, ended - began)
  lines = lines .. string.format('\\n%.0f %.0f ', number, token) .. string.sub(string.match(lease_id, '^[^.]*'), 1, 8)
    .. string.format(' %.0f %.0f ', began, took) .. outcome
  local tenth = 1
  for _ = 1, 9 do tenth = tenth and string.find(lines, '\\n', tenth + 1, true) end
  if tenth then lines = string.sub(lines, (string.find(lines, '\\n', 2, true))) end
  return history_of('', lines)
end
local function read_position(stream)
  local group, fields = redis.pcall('XINFO', 'GROUPS', stream)[1] or {}, {}
  for i = 1, #group, 2 do fields[group[i]] = group[i + 1] end
  return fields['last-delivered-id'], fields['lag'] or 0
end
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, settled, lease_ends, claimed, lock_ttl, retention, holder, token, created, attempts, _,
  fingerprint, text, rest = struct.unpack(RECORD, value)
local waits = state == 'P' or state == 'F'
if state == 'R' or (waits and ARGV[2] ~= '1') then return 2 end
if not waits and ((state ~= 'C' and state ~= 'D') or now >= expires) then return 0 end
if state == 'C' and ARGV[1] ~= '1' then return 3 end

local round, _, position, queue, group, delivery = struct.unpack(ACCEPTED, value, rest)
local agenda, member, group_key = queue_entry(value, rest, KEYS[1])
-- An unread entry of the stream gets into the agenda when it is read.
local last_id = read_position(queue .. ':log')
local is_read = not last_id or position <= tonumber(string.match(last_id, '^%d+'))
local function refuse_while_moving()
  return redis.error_reply('TRYAGAIN the slot is moving, and the agenda is on another server')
end
if waits then
  local entry = group_key or member
  if is_read and type(redis.pcall('ZSCORE', agenda, entry)) ~= 'string' then return refuse_while_moving() end
  if is_read then redis.call('ZADD', agenda, 'XX', 'LT', now, entry) end
  redis.call('SETRANGE', KEYS[1], 2, struct.pack('<d', math.min(expires, now)))
  return 4
end
if is_read then
  if group_key then
    redis.call('ZREM', agenda, member)
    redis.call('ZADD', group_key, position, member)
    redis.call('ZADD', agenda, 0, group_key)
  elseif redis.pcall('ZADD', agenda, 'XX', 'CH', now, member) ~= 1 then
    return refuse_while_moving()
  end
end
local label, history, last_error = parts_of(text)
history = with_last(history, attempts, token, holder, claimed, settled, state == 'C' and 'recorded' or nil)
text = label .. history .. last_error
value = struct.pack(RECORD, 'P', watched, now, 0, lease_ends, claimed, lock_ttl, retention, #holder, holder, token,
  created, attempts, 0, #fingerprint, fingerprint, #text, text)
local accepted = struct.pack(ACCEPTED, round + 1, attempts, position, #queue, queue, #group, group, #delivery, delivery)
redis.call('SET', KEYS[1], value .. accepted)
return 1`,
  },
  removeEntry: {
    sha: '957a1b49ee60d534ac2a729479836c03e780eabc',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('HGET', KEYS[2], ARGV[1])
if not value then return 0 end
redis.call('ZREM', KEYS[1], string.sub(value, 1, 16) .. ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return struct.unpack('<d', value, 17) > now and 1 or 0`,
  },
  renew: {
    sha: '321ceb4a2297ddd3e27005009e2bd44082032c07',
    text: `#!lua flags=allow-oom
local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
local ACCEPTED = '<I4I4dI4c0I4c0I4c0'
local function queue_entry(value, rest, name)
  local _, _, position, queue, group = struct.unpack(QUEUED, value, rest)
  local member = string.format('%.0f:', position) .. name
  return queue .. ':agenda', member, group ~= '' and queue .. ':group:' .. group or nil
end

-- A settled record has its expiry as a negative score, a dead one that of dead.lua. See record-codec.ts about XX and pcall.
local function settle_entry(agenda, member, group, expires)
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
    -- The agenda may have an earlier time than the record, never a later one. See record-codec.ts about XX and pcall.
    local _, _, _, _, _, _, rest = struct.unpack(AFTER_HEAD, value, 55 + #holder)
    local agenda, member, group = queue_entry(value, rest, KEYS[1])
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
  trimEntries: {
    sha: '4e252dccffde216bdbff00c75dc4d3014f598a3c',
    text: `#!lua flags=allow-oom
local surplus = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[1])
local removed = 0
for _, position in ipairs(redis.call('ZRANGE', KEYS[1], 0, math.min(surplus, 1000) - 1)) do
  if surplus <= 0 then break end
  redis.call('ZREM', KEYS[1], position)
  redis.call('HDEL', KEYS[2], string.sub(position, 17))
  removed = removed + 1
end
return removed`,
  },
  watch: {
    sha: '5aab3a2aec369fe749246e6961e65c2262ba7048',
    text: `local HEAD = '<c1c1ddddddI4c0'
local FACTS = '<c1c1ddddddI4c0ddI4I4I4c0'
local AFTER_HEAD = '<ddI4I4I4c0I4c0'
local RECORD = '<c1c1ddddddI4c0ddI4I4I4c0I4c0'
local QUEUED = '<I4I4dI4c0I4c0'
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
  writeEntries: {
    sha: 'dc1cab81c0af17d1957b874e89d7b048aadf6b95',
    text: `#!lua
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local function remove(id, value)
  redis.call('ZREM', KEYS[1], string.sub(value, 1, 16) .. id)
  redis.call('HDEL', KEYS[2], id)
end

for _, position in ipairs(redis.call('ZRANGE', KEYS[1], 0, 99)) do
  local id = string.sub(position, 17)
  local value = redis.call('HGET', KEYS[2], id)
  -- All are kept equally long: the older ones are gone.
  if value and struct.unpack('<d', value, 17) > now then break end
  if value then remove(id, value) end
end

local keep = tonumber(ARGV[1])
local expires = struct.pack('<d', now + keep)
for i = 2, #ARGV, 3 do
  local id, at, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if at == '' then at = string.format('%016d', now) end
  local before = redis.call('HGET', KEYS[2], id)
  if before then remove(id, before) end
  redis.call('ZADD', KEYS[1], 0, at .. id)
  redis.call('HSET', KEYS[2], id, at .. expires .. value)
end
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < keep then redis.call('PEXPIRE', key, keep) end
end`,
  },
} as const
