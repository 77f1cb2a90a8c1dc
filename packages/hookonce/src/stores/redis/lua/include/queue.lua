-- The agenda of an accepted record, its member, and the sorted set of its group if it has a group. Then the group is the
-- member of the agenda, and the record is a member of the group.
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
