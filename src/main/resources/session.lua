-- Changes a session in one step, so that one that was ended on another replica stays ended.
--
-- KEYS  1 the session
-- ARGV  1 now (epoch ms)   2 time to live (ms)   3 1 for a visit   4 1 to create it   5 most data fields
--       6 request id, '' for none   then name and value of each data field to set
--
-- A request that is repeated, because its replica died, is not a second visit: the session keeps the id of the last.
-- Returns 1, or 0 where there is no such session, or -1 where it would hold too many data fields.
local session = KEYS[1]
local exists = redis.call('EXISTS', session) == 1
if not exists and ARGV[4] ~= '1' then return 0 end

-- Beside the data it has four fields of its own: first, last, visits, request.
local fields = exists and redis.call('HLEN', session) - 4 or 0
for i = 7, #ARGV, 2 do
  fields = fields + 1 - redis.call('HEXISTS', session, 'data:' .. ARGV[i])
end
if fields > tonumber(ARGV[5]) then return -1 end

if not exists then redis.call('HSET', session, 'first', ARGV[1], 'request', '') end
for i = 7, #ARGV, 2 do redis.call('HSET', session, 'data:' .. ARGV[i], ARGV[i + 1]) end
local repeated = ARGV[6] ~= '' and redis.call('HMGET', session, 'request')[1] == ARGV[6]
redis.call('HINCRBY', session, 'visits', repeated and 0 or ARGV[3])
if ARGV[3] == '1' then redis.call('HSET', session, 'request', ARGV[6]) end
redis.call('HSET', session, 'last', ARGV[1])
redis.call('PEXPIRE', session, ARGV[2])
return 1
