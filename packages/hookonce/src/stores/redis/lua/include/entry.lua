-- The name and the value of the record of an agenda's entry, of a group its first record; nothing if the record is gone.
local function record_of(entry, groups)
  local member = string.sub(entry, 1, #groups) == groups and redis.call('ZRANGE', entry, 0, 0)[1] or entry
  local name = string.sub(member, (string.find(member, ':', 1, true) or 0) + 1)
  local value = redis.pcall('GET', name)
  if type(value) == 'string' and #value > 54 then return name, value end
end
