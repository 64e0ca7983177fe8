-- Writes an entry in one step, exactly once, and returns its number.
--
-- KEYS  1 the entries (list, newest first)   2 how many there ever were   3 the number that this request id got
-- ARGV  1 the name   2 the text   3 most entries that are kept   4 how long the id is known (ms)
--       5 1 for a trial: all is done, on keys that are removed at the end
--
-- An id that is known gets the number it got then, and nothing is written. The first write makes the number: a Redis that
-- is full or refuses writes refuses that one, and so has written nothing.
local trial = ARGV[5] == '1'
local known = redis.call('GET', KEYS[3])
if known and not trial then return tonumber(known) end

local number = redis.call('INCR', KEYS[2])
redis.call('LPUSH', KEYS[1], cjson.encode({ number = number, name = ARGV[1], text = ARGV[2] }))
redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
redis.call('SET', KEYS[3], number, 'PX', ARGV[4])
if trial then redis.call('UNLINK', unpack(KEYS)) end
return number
