-- Marks the record as watched: from now on the end of an attempt is published on the channel of the record's name.
-- An absent record gets, for an hour, a marked value that counts as absent (it expired in 1970).
-- KEYS[1] the record. Result: 1.
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
