-- Each command that a request or a script of the counter asks for. rights.lua tries them out.
--
-- KEYS  1 the total   2 the pages   3 a minute   4 a day's visitors   5 a session   6 all sessions   7 a cached value
--       8 a hash of ids   9 a day's visits   10 a day's salt   11 an hour's new names
-- What they write is nothing, or what a visit may write that counts none.
local session, cached, ids = KEYS[5], KEYS[7], KEYS[8]
local commands = {
  { 'TIME' },
  { 'GET', KEYS[1] }, { 'MGET', KEYS[1] }, { 'INCRBY', KEYS[1], 0 },
  { 'ZSCORE', KEYS[2], '' }, { 'ZCARD', KEYS[2] }, { 'ZRANGE', KEYS[2], 0, 0 }, { 'ZADD', KEYS[2], 'XX', 0, '' },
  { 'EXPIRE', KEYS[3], 0 },
  { 'EXPIRE', KEYS[9], 0 }, { 'EXPIRE', KEYS[11], 0 },
  { 'PFCOUNT', KEYS[4] }, { 'PFADD', KEYS[4] }, { 'EXPIRE', KEYS[4], 0 },
  { 'HSET', session, 'last', 0 }, { 'HGETALL', session }, { 'PTTL', session }, { 'PEXPIRE', session, 1 }, { 'DEL', session },
  { 'ZREM', KEYS[6], '' },
  { 'SET', cached, '', 'PX', 1 }, { 'SET', KEYS[10], '', 'PX', 1 }, { 'DEL', cached },
  { 'HMGET', ids, '' }, { 'UNLINK', ids },
  -- News that are none; who hears them passes them over.
  { 'PUBLISH', 'tally:events', '' },
}
