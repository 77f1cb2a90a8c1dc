-- Leaves a process' mark, which proves that writing works, and tells whether its last one is still there.
-- KEYS[1] sorted set: the store's id, which scores 0, and the processes, each with the microsecond of its last mark. ARGV:
--   the id to give it if it has none, the process, its last mark that was confirmed (0: none).
-- Result: {id, the mark, '' or, if the last one is gone, the latest of any process before it that is not, 0: none}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local key, process, last = KEYS[1], ARGV[2], tonumber(ARGV[3])
-- Of a process that is silent for so long nothing is kept.
local oldest = now - 86400000000
local id = redis.call('ZRANGEBYSCORE', key, 0, 0, 'LIMIT', 0, 1)[1]
local kept, before = tonumber(redis.call('ZSCORE', key, process) or 0), ''
if kept < last and last > oldest then
  before = tonumber(redis.call('ZREVRANGEBYSCORE', key, last, '(0', 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
end
-- The clock may have stepped back.
local mark = math.max(now, kept + 1, last + 1)
redis.call('ZADD', key, 0, id or ARGV[1], mark, process)
redis.call('ZREMRANGEBYSCORE', key, '(0', oldest)
return {id or ARGV[1], mark, before}
