// Generated from lua/ by scripts/generate-lua.mjs. Do not edit.

export const scripts = {
  claim: {
    sha: '7920f9fae9cae269bc90dd7478f668f8bc3c1727',
    text: `local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local lease_id, fingerprint = ARGV[1], ARGV[2]
local lock_ttl, retention = tonumber(ARGV[4]), tonumber(ARGV[5])
local watched, token, created, attempts, losses, last_error = '0', 0, now, 0, 0, ''

local value = redis.call('GET', KEYS[1])
if value then
  local state, marked, expires, _, lease_ends, _, _, _, holder, issued, since, started, lost, known, told =
    struct.unpack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', value)
  watched, token = marked, issued
  if now < expires then
    if known ~= '' and fingerprint ~= '' and known ~= fingerprint then return {3} end
    if state == 'c' then return value end
    if state == 'r' then
      if holder == lease_id then return {1, started, issued} end
      if now < lease_ends then return {2, lease_ends - now} end
      lost = lost + 1
    end
    if lost >= tonumber(ARGV[6]) then return {4, lost} end
    created, attempts, losses, last_error = since, started, lost, told
    if known ~= '' then fingerprint = known end
  end
end

local lease_ends = now + math.min(tonumber(ARGV[3]), lock_ttl)
local expires = lease_ends + math.max(lock_ttl, retention)
attempts, token = attempts + 1, math.max(token + 1, micros)
value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'r', watched, expires, 0, lease_ends, now, lock_ttl, retention,
  #lease_id, lease_id, token, created, attempts, losses, #fingerprint, fingerprint, #last_error, last_error)
redis.call('SET', KEYS[1], value, 'PXAT', expires)
return {1, attempts, token}`,
  },
  complete: {
    sha: 'dcdecd33b3ad71bdee5b764284c9494164e9b0dd',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, settled, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or now >= expires then return 0 end
if state == 'c' then return settled end
if state ~= 'r' then return 0 end

expires = now + retention
value = struct.pack('<c1c1dd', 'c', watched, expires, now) .. string.sub(value, 19) .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PXAT', expires)
-- By pcall: an error after the write would be taken for "nothing was written".
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return now`,
  },
  delete: {
    sha: 'b5b79659c45d5d2f39e42b00030dce3a8015729c',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, _, _, _, _, token = struct.unpack('<c1c1ddddddI4c0d', value)
if now >= expires then return 0 end
if state == 'r' and now < lease_ends and ARGV[1] ~= '1' then return 2 end

value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'd', watched, 0, 0, 0, 0, 0, 0,
  0, '', token, 0, 0, 0, 0, '', 0, '')
redis.call('SET', KEYS[1], value, 'KEEPTTL')
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1`,
  },
  fail: {
    sha: '0f6bfcabf727f9cb6645ffd97ca5e2f21e1b8efb',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, _, _, _, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if holder ~= ARGV[1] or now >= expires then return 0 end
if state == 'f' then return 1 end
if state ~= 'r' then return 0 end

local _, _, _, _, _, last_error_at = struct.unpack('<ddI4I4I4c0', value, 55 + #holder)
expires = now + retention
value = struct.pack('<c1c1dd', 'f', watched, expires, now) .. string.sub(value, 19, last_error_at - 1)
  .. struct.pack('<I4c0', #ARGV[2], ARGV[2])
redis.call('SET', KEYS[1], value, 'PXAT', expires)
if watched == '1' then redis.pcall('PUBLISH', KEYS[1], '') end
return 1`,
  },
  get: {
    sha: '8dfd87124c99ade348cc81fb67f3c11a395137a5',
    text: `#!lua flags=no-writes,allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
return {now, redis.call('GETRANGE', KEYS[1], 0, ARGV[1])}`,
  },
  identify: {
    sha: 'b07169d4e8c24f8479476733eb68950b2ac0ed3c',
    text: `local id = redis.call('GET', KEYS[1]) or ARGV[1]
redis.call('SET', KEYS[1], id)
return id`,
  },
  renew: {
    sha: '3d611a34bea76d3e631c278680d62a00f9ee1705',
    text: `#!lua flags=allow-oom
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local state, watched, expires, _, lease_ends, claimed, lock_ttl, retention, holder =
  struct.unpack('<c1c1ddddddI4c0', value)
if state ~= 'r' or holder ~= ARGV[1] or now >= lease_ends then return 0 end

lease_ends = math.min(now + tonumber(ARGV[2]), claimed + lock_ttl)
expires = lease_ends + math.max(lock_ttl, retention)
value = struct.pack('<c1c1ddd', 'r', watched, expires, 0, lease_ends) .. string.sub(value, 27)
redis.call('SET', KEYS[1], value, 'PXAT', expires)
return 1`,
  },
  watch: {
    sha: 'b184b2e98babf9634169aebf933e32d3dba99ae8',
    text: `local mark = redis.call('GETRANGE', KEYS[1], 1, 1)
if mark == '0' then
  redis.call('SETRANGE', KEYS[1], 1, '1')
elseif mark == '' then
  local value = struct.pack('<c1c1ddddddI4c0ddI4I4I4c0I4c0', 'd', '1', 0, 0, 0, 0, 0, 0,
    0, '', 0, 0, 0, 0, 0, '', 0, '')
  redis.call('SET', KEYS[1], value, 'PX', 3600000)
end
return 1`,
  },
} as const
