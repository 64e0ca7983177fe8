-- Gives a lock back, if it is still held by this token: one that ran out may be another's by now.
--
-- KEYS  1 the lock   ARGV  1 the token
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
