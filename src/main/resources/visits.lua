-- Counts a batch of visits in one step, each exactly once, and returns the number of each.
--
-- KEYS  1 the total   2 the pages (sorted set)   3 this minute   4 today's visitors (HyperLogLog)
-- ARGV  1 most pages  then three for each visit: request id, page, visitor; '' where there is none
--
-- The number is the page's count for a visit with a page, else the total; -1 for a page that there is no room for.
-- An id that was seen in the last 15 seconds gets the number it got then, and moves nothing. Ids are kept in a hash for
-- every 15 seconds of Redis' own clock, so that one call reads or writes those of a whole batch; the hash of now and the
-- one before it are looked at.
local REMEMBER, A_HOUR, A_WEEK = 15, 3600, 604800

local slot = math.floor(redis.call('TIME')[1] / REMEMBER)
local seen_now, seen_before = 'tally:seen:' .. slot, 'tally:seen:' .. (slot - 1)

local ids = {}
for i = 2, #ARGV, 3 do
  if ARGV[i] ~= '' then ids[#ids + 1] = ARGV[i] end
end
local number_of = {}
if #ids > 0 then
  for _, seen in ipairs({ seen_before, seen_now }) do
    for i, number in ipairs(redis.call('HMGET', seen, unpack(ids))) do
      if number then number_of[ids[i]] = tonumber(number) end
    end
  end
end

local total = tonumber(redis.call('GET', KEYS[1]) or 0)
local room = nil
local pages, new_ids, visitors, numbers, counted = {}, {}, {}, {}, 0

-- What a page will stand at after this batch; nil where there is no room for it.
local function next_of(page)
  if not pages[page] then
    local stands_at = redis.call('ZSCORE', KEYS[2], page)
    if not stands_at then
      room = room or ARGV[1] - redis.call('ZCARD', KEYS[2])
      if room <= 0 then return nil end
      room = room - 1
    end
    pages[page] = tonumber(stands_at or 0)
  end
  pages[page] = pages[page] + 1
  return pages[page]
end

for i = 2, #ARGV, 3 do
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

-- Nothing was written up to here: a Redis that is full or refuses writes has counted none of them.
if counted > 0 then
  redis.call('INCRBY', KEYS[1], counted)
  for page, stands_at in pairs(pages) do redis.call('ZADD', KEYS[2], stands_at, page) end
  if #new_ids > 0 then
    redis.call('HSET', seen_now, unpack(new_ids))
    redis.call('EXPIRE', seen_now, 2 * REMEMBER)
  end
  if redis.call('INCRBY', KEYS[3], counted) == counted then redis.call('EXPIRE', KEYS[3], 2 * A_HOUR) end
  if #visitors > 0 then
    redis.call('PFADD', KEYS[4], unpack(visitors))
    redis.call('EXPIRE', KEYS[4], A_WEEK + 86400)
  end
end
return numbers
