-- Marks the record as watched: from now on whatever ends an attempt publishes on the channel of the record's name.
-- A record that is not there is marked for an hour, in a value that expired in 1970 and so counts as absent.
-- KEYS[1] the record.
-- @include record
local mark = redis.call('GETRANGE', KEYS[1], 1, 1)
if mark == '0' then
  redis.call('SETRANGE', KEYS[1], 1, '1')
elseif mark == '' then
  local value = struct.pack(RECORD, 'd', '1', 0, 0, 0, 0, 0, 0,
    0, '', 0, 0, 0, 0, 0, '', 0, '')
  redis.call('SET', KEYS[1], value, 'PX', 3600000)
end
return 1
