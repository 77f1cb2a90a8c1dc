-- The id of the last entry of an acceptance stream that was read, nil if there is no stream, and the number of unread ones.
local function read_position(stream)
  local group, fields = redis.pcall('XINFO', 'GROUPS', stream)[1] or {}, {}
  for i = 1, #group, 2 do fields[group[i]] = group[i + 1] end
  return fields['last-delivered-id'], fields['lag'] or 0
end
