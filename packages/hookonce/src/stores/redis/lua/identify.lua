-- Writes a process' mark, which proves that writes work, and checks that its last mark is still there.
-- KEYS[1] sorted set: the store's id with the score 0, and each process with the microsecond of its last mark. ARGV: an id
--   for a store that has none, the process, its last confirmed mark (0: none).
-- Result: {id, the mark, '' or, if the last mark is gone, the latest earlier mark of any process, 0 if there is none}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local key, process, last = KEYS[1], ARGV[2], tonumber(ARGV[3])
-- After a day without a new mark a process is forgotten.
local oldest = now - 86400000000
local id = redis.call('ZRANGEBYSCORE', key, 0, 0, 'LIMIT', 0, 1)[1]
local found, earlier = tonumber(redis.call('ZSCORE', key, process) or 0), ''
if found < last and last > oldest then
  earlier = tonumber(redis.call('ZREVRANGEBYSCORE', key, last, '(0', 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
end
-- Rises even if the clock stepped back.
local mark = math.max(now, found + 1, last + 1)
redis.call('ZADD', key, 0, id or ARGV[1], mark, process)
redis.call('ZREMRANGEBYSCORE', key, '(0', oldest)
return {id or ARGV[1], mark, earlier}
