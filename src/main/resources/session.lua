-- Reads or changes a session in one step, so that one that was ended on another replica stays ended, and keeps the books of
-- how much memory all of them take.
--
-- KEYS  1 the session, whose id has 32 characters   2 all sessions (sorted set: bytes:key, by their end in ms)   3 the bytes of all
-- ARGV  1 know, read, visit, merge or end   2 time to live (ms)   3 most bytes of all   4 1 to begin it where there is none
--       5 most data fields   6 most bytes of data   7 request id, '' for none   then name and value of each data field to set
--
-- The time is Redis' own, which is one for all replicas. A request that is repeated, because its replica died, is not a
-- second visit: the session keeps the id of the last. A value under the key that is no session counts as none.
-- Returns 0 where there is no such session, -1 and -2 where it would hold too many data fields or bytes of data, -3 where
-- there is no room for more; else for read and merge the time left (ms), visits, first and last, then the data; else 1.
local session, index, sum = KEYS[1], KEYS[2], KEYS[3]
-- What the names of all sessions begin with.
local prefix = string.sub(session, 1, -33)
local what, ttl, most, request = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[7]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function is_number(text) return text and #text < 16 and string.find(text, '^%d+$') end

local stored = redis.pcall('HGETALL', session)
if stored.err and not string.find(stored.err, 'WRONGTYPE', 1, true) then return stored end
local fields = {}
for i = 1, #stored, 2 do fields[stored[i]] = stored[i + 1] end
local known = is_number(fields.visits) and is_number(fields.first) and is_number(fields.last)

-- Its bytes in the books, 0 where it is not in them.
local booked = is_number(fields.size) and redis.call('ZSCORE', index, fields.size .. ':' .. session) and tonumber(fields.size) or 0

local function enter(bytes)
  if redis.call('ZADD', index, now + ttl, bytes .. ':' .. session) == 1 then redis.call('INCRBY', sum, bytes) end
end
local function leave(bytes, key)
  if redis.call('ZREM', index, bytes .. ':' .. key) == 1 then redis.call('INCRBY', sum, -bytes) end
end

if what == 'end' then
  if booked > 0 then leave(booked, session) end
  redis.call('DEL', session)
  return 1
end
if not known and ARGV[4] ~= '1' then return 0 end
if what == 'know' then return 1 end

-- Tidies the books, a hundred at a time: what has ended leaves them; what would end later than any may was written before
-- Redis' clock was set back, and gets the time that it has from now on. Then the bytes that all take.
local function taken()
  for _, ended in ipairs(redis.call('ZRANGE', index, '-inf', '(' .. now, 'BYSCORE', 'LIMIT', 0, 100)) do
    local bytes, key = string.match(ended, '^(%d+):(.*)$')
    if bytes then leave(bytes, key) else redis.call('ZREM', index, ended) end
  end
  for _, late in ipairs(redis.call('ZRANGE', index, '(' .. now + ttl, '+inf', 'BYSCORE', 'LIMIT', 0, 100)) do
    local key = string.match(late, '^%d+:(.*)$')
    if key and string.sub(key, 1, #prefix) == prefix then
      redis.call('PEXPIRE', key, ttl)
      redis.call('ZADD', index, now + ttl, late)
    else
      redis.call('ZREM', index, late)
    end
  end
  local bytes = redis.call('GET', sum) or '0'
  if not is_number(string.gsub(bytes, '^-', '')) then return nil end
  if bytes ~= '0' and redis.call('ZCARD', index) == 0 then return redis.call('INCRBY', sum, -bytes) end
  return tonumber(bytes)
end

local changes = { 'last', now }
local function set(name, value)
  fields[name] = value
  changes[#changes + 1] = name
  changes[#changes + 1] = value
end
if not known then
  fields = { visits = '0' }
  set('first', now)
  set('request', '')
end
if what == 'visit' then
  local repeated = request ~= '' and fields.request == request
  set('visits', fields.visits + (repeated and 0 or 1))
  set('request', request)
elseif not known then
  set('visits', 0)
end
for i = 8, #ARGV, 2 do set('data:' .. ARGV[i], ARGV[i + 1]) end

local data, data_fields, data_bytes = {}, 0, 0
for name, value in pairs(fields) do
  if string.sub(name, 1, 5) == 'data:' then
    data[#data + 1] = string.sub(name, 6)
    data[#data + 1] = value
    data_fields = data_fields + 1
    data_bytes = data_bytes + #name - 5 + #value
  end
end

local left = redis.call('PTTL', session)
if what == 'read' then
  -- It is in use. That is written once in a while.
  if left < 0 or left > ttl or ttl - left >= math.min(60000, ttl / 2) then
    redis.call('PEXPIRE', session, ttl)
    if booked > 0 then enter(booked) end
    left = ttl
  end
  return { left, fields.visits, fields.first, fields.last, unpack(data) }
end

-- At least what it takes in Redis, as measured: its place, a hash with data, and each field.
local bytes = 600 + (data_fields > 0 and 400 or 0) + 80 * data_fields + data_bytes
if what == 'merge' then
  if data_fields > tonumber(ARGV[5]) then return -1 end
  if data_bytes > tonumber(ARGV[6]) then return -2 end
end
-- Whoever is known is never refused a visit. A quarter is kept for those that hold no data.
if bytes > booked and not (known and what == 'visit') then
  local all = taken()
  if not all then return redis.error_reply('ERR ' .. sum .. ' is not a number') end
  if all + bytes - booked > most * (data_fields > 0 and 0.75 or 1) then return -3 end
end

set('size', bytes)
redis.call('HSET', session, unpack(changes))
redis.call('PEXPIRE', session, ttl)
if booked > 0 and booked ~= bytes then leave(booked, session) end
enter(bytes)
if what == 'merge' then return { ttl, tostring(fields.visits), tostring(fields.first), tostring(now), unpack(data) } end
return 1
