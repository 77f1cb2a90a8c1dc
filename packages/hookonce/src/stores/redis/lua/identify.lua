-- Writes the store's id, which proves that writing works, and tells whether it was there.
-- KEYS[1] the id's key. ARGV: the id to give it if it has none.
-- Result: the id.
local id = redis.call('GET', KEYS[1]) or ARGV[1]
redis.call('SET', KEYS[1], id)
return id
