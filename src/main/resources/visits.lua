-- Counts a batch of visits in one step, each exactly once, and returns Redis' clock (ms) and the number of each.
--
-- KEYS  1 the total   2 the pages (sorted set)   3 the minute's visits   4 the day's visitors (HyperLogLog)
--       5 which hash of ids is written (hash: slot, since)   6 to 8 the hashes of ids
--       9 one that never is
-- ARGV  1 most pages   2 not after (ms of Redis' clock), 0 for any time   3 1 to try out each right that a visit needs
--       4 which minute the third key is of   then three for each visit: request id, page, visitor; '' where there is none
--
-- The number is the page's count for a visit with a page, else the total; -1 for a page that there is no room for.
-- A batch that comes too late, as after Redis hung, or for another minute than it is by Redis' clock, counts nothing: it
-- returns the clock alone, below zero.
--
-- An id that was seen gets the number it got then, and moves nothing. Ids are kept in a ring of hashes without a time to
-- live, so that a full Redis drops none: a new one is begun when the clock is SLOT seconds from where the last began, and
-- takes the place of the oldest. So an id is known for (SLOTS - 1) * SLOT seconds at least, and for one slot less for each
-- time that the clock jumps meanwhile, however far; there are never more than SLOTS hashes.
local SLOT, SLOTS, FIRST = 20, 3, 6
local A_HOUR, A_WEEK = 3600, 604800

local time = redis.call('TIME')
local millis = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] ~= '0' and millis > tonumber(ARGV[2]) then return { -millis } end
if math.floor(time[1] / 60) ~= tonumber(ARGV[4]) then return { -millis } end

local ids = {}
for i = 5, #ARGV, 3 do
  if ARGV[i] ~= '' then ids[#ids + 1] = ARGV[i] end
end
local number_of = {}
if #ids > 0 then
  for slot = 0, SLOTS - 1 do
    for i, number in ipairs(redis.call('HMGET', KEYS[FIRST + slot], unpack(ids))) do
      if number then number_of[ids[i]] = tonumber(number) end
    end
  end
end

-- What others wrote in the place of a count is named before anything is written. Beyond 2^53 numbers are not exact.
local function count(what, text)
  local number = tonumber(text or 0)
  if text and not string.find(text, '^%d+$') or number >= 9007199254740992 then error(what .. ' is not a count', 0) end
  return number
end

local total = count(KEYS[1], redis.call('GET', KEYS[1]))
local room = nil
local pages, new_ids, visitors, numbers, counted = {}, {}, {}, { millis }, 0

-- What a page will stand at after this batch; nil where there is no room for it.
local function next_of(page)
  if not pages[page] then
    local stands_at = redis.call('ZSCORE', KEYS[2], page)
    if not stands_at then
      room = room or ARGV[1] - redis.call('ZCARD', KEYS[2])
      if room <= 0 then return nil end
      room = room - 1
    end
    pages[page] = count(page, stands_at)
  end
  pages[page] = pages[page] + 1
  return pages[page]
end

for i = 5, #ARGV, 3 do
  local id, page, visitor = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local number = number_of[id]
  if not number then
    number = page ~= '' and next_of(page) or page == '' and total + counted + 1 or -1
    if number ~= -1 then
      counted = counted + 1
      if id ~= '' then
        number_of[id] = number
        new_ids[#new_ids + 1] = id
        new_ids[#new_ids + 1] = number
      end
      if visitor ~= '' then visitors[#visitors + 1] = visitor end
    end
  end
  numbers[#numbers + 1] = number
end

if counted > 0 then
  count(KEYS[3], redis.call('GET', KEYS[3]))
  if #visitors > 0 then redis.call('PFCOUNT', KEYS[4]) end
end

-- Nothing was written up to here: a Redis that is full or refuses writes has counted none of them.
local trial = ARGV[3] == '1'
if trial then
  redis.call('INCRBY', KEYS[1], 0)
  redis.call('ZADD', KEYS[2], 'XX', 0, '')
  redis.call('PFADD', KEYS[4])
  redis.call('EXPIRE', KEYS[4], A_WEEK + 86400)
  redis.call('UNLINK', KEYS[9])
end
if trial or counted > 0 then
  local ring = redis.call('HMGET', KEYS[5], 'slot', 'since')
  local slot, since = tonumber(ring[1] or 0), tonumber(ring[2] or 0)
  local is_over = math.abs(millis - since) >= SLOT * 1000
  if is_over then
    slot, since = (slot + 1) % SLOTS, millis
    -- Before all else, since it makes room: a Redis that is full of ids lets go of the oldest.
    redis.call('UNLINK', KEYS[FIRST + slot])
  end
  if is_over or trial then redis.call('HSET', KEYS[5], 'slot', slot, 'since', since) end
  if counted > 0 then
    redis.call('INCRBY', KEYS[1], counted)
    for page, stands_at in pairs(pages) do redis.call('ZADD', KEYS[2], stands_at, page) end
    if #new_ids > 0 then redis.call('HSET', KEYS[FIRST + slot], unpack(new_ids)) end
    if redis.call('INCRBY', KEYS[3], counted) == counted then redis.call('EXPIRE', KEYS[3], 2 * A_HOUR) end
    if #visitors > 0 then
      redis.call('PFADD', KEYS[4], unpack(visitors))
      redis.call('EXPIRE', KEYS[4], A_WEEK + 86400)
    end
  end
end
return numbers
