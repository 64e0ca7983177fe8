-- Each command that a request or a script of the guestbook asks for. rights.lua tries them out.
--
-- KEYS  1 a list   2 and 3 strings. They are of a trial: what is written here is removed by the last command.
local commands = {
  { 'GET', KEYS[2] }, { 'LRANGE', KEYS[1], 0, 0 },
  { 'INCR', KEYS[2] }, { 'LPUSH', KEYS[1], '' }, { 'LTRIM', KEYS[1], 0, 0 }, { 'SET', KEYS[3], '', 'PX', 1000 },
  { 'UNLINK', KEYS[1], KEYS[2], KEYS[3] },
}
