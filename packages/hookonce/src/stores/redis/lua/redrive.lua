#!lua flags=allow-oom
-- Begins a new round for a settled accepted record: it is pending, and due at once. Or makes one due that waits.
-- KEYS[1] the record; ARGV: '1' to redrive a completed record too, '1' to make due a pending or failed one.
-- Result: 1 redriven, 4 made due, 0 no accepted record, 2 running or not to be made due, 3 completed and not to be redriven.
-- @include record
-- @include queue
-- @include history
-- @include stream
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
return 1
