#!lua flags=allow-oom
-- Claims due records of a queue, longest due first.
-- KEYS[1] the queue's agenda; the queue's other keys are named after it: see keys.ts. ARGV: most records, lease id,
--   lease ms, lock TTL ms, most losses, '=' and the last error of a record that dies of them.
-- Result: ms since the epoch, 1 if nothing was claimed and more may be due than one script reads; then of each claimed
--   record its name, the ms since when it was due, its value, and 1 if it was taken over.
-- @include record
-- @include history
-- @include dead
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
  -- See record-codec.ts about `settled` of a running record.
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
return claims
