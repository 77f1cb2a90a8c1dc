#!lua flags=no-writes,allow-oom
-- One entry of a list of the journal.
-- KEYS[1] the order of the list, KEYS[2] its entries. ARGV: the id.
-- Result: its id and value, or nothing.
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('HGET', KEYS[2], ARGV[1])
if value and struct.unpack('<d', value, 17) > now then return {ARGV[1], value} end
return {}
