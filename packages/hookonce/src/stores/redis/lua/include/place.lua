-- Where an accepted record stands: the agenda of its queue, its member there, and its group's set if it has a group.
-- Then the group stands in the agenda, and the member in the set.
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
