-- Looks for a value that is made once for all, and decides who makes it anew.
--
-- KEYS  1 the value   2 the lock of whoever makes it
-- ARGV  1 how long it is fresh (ms)   2 how much longer it may be served (ms)   3 the asker's token   4 longest lock (ms)
--
-- How old it is follows from the time that it has left, by Redis' clock, which is one for all replicas. What has more left
-- than it can have, or no end, was written before that clock was set back, or by others: the value is as none, the lock as free.
-- Returns the value, '' for none, and HIT, STALE, or without a value WAIT; LOAD where the lock is now the asker's.
local fresh, stale, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])

local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then
  if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
  value = false
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > fresh + stale then value = false end
if value and left > stale then return { value, 'HIT' } end

local held = redis.call('PTTL', KEYS[2])
if held < 0 or held > longest then
  redis.call('SET', KEYS[2], ARGV[3], 'PX', longest)
  return { value or '', 'LOAD' }
end
return { value or '', value and 'STALE' or 'WAIT' }
