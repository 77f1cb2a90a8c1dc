#!lua flags=allow-oom
-- Begins a new round for an accepted record that is settled: it is pending, and due at once.
-- KEYS[1] the record; ARGV[1] 1 if a completed one is meant too.
-- Result: 1 redriven, 0 there is no accepted record, 2 it is not settled, 3 it is completed, and that was not meant.
-- @include record
-- @include place
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
return 1
