-- Changes a session in one step, so that one that was ended on another replica stays ended.
--
-- KEYS  1 the session
-- ARGV  1 now (epoch ms)   2 time to live (ms)   3 visits to add   4 1 to create it   5 most data fields
--       then name and value of each data field to set
--
-- Returns 1, or 0 where there is no such session, or -1 where it would hold too many data fields.
local session = KEYS[1]
local exists = redis.call('EXISTS', session) == 1
if not exists and ARGV[4] ~= '1' then return 0 end

-- Beside the data it has three fields of its own: first, last, visits.
local fields = exists and redis.call('HLEN', session) - 3 or 0
for i = 6, #ARGV, 2 do
  fields = fields + 1 - redis.call('HEXISTS', session, 'data:' .. ARGV[i])
end
if fields > tonumber(ARGV[5]) then return -1 end

if not exists then redis.call('HSET', session, 'first', ARGV[1]) end
for i = 6, #ARGV, 2 do redis.call('HSET', session, 'data:' .. ARGV[i], ARGV[i + 1]) end
redis.call('HINCRBY', session, 'visits', ARGV[3])
redis.call('HSET', session, 'last', ARGV[1])
redis.call('PEXPIRE', session, ARGV[2])
return 1
