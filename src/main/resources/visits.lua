-- Counts a batch of visits in one step, each exactly once, and returns Redis' clock (ms), the total, and the number of each.
--
-- KEYS  1 the total   2 the counts by name (sorted set)   3 the minute's visits   4 the day's visits by name (hash)
--       5 the day's visitors (HyperLogLog)   6 the hour's new names by who asked for them (hash)
--       7 which hash of ids is written (hash: slot, since)   8 to 10 the hashes of ids
--       11 one that never is   then the day's visitors of a site, one key for each site
-- ARGV  1 most names   2 not after (ms of Redis' clock), 0 for any time   3 1 to try out each right that a visit needs
--       4 which minute the third key is of   5 most new names from one caller   6 how many names follow
--       then three for each name: name, which key has its site's visitors ('' for a name without a site), who asks for it
--       then three for each visit: request id, which of the names ('' for none), visitor ('' for none)
--
-- The number is the name's count for a visit with a name, else the total; -1 for a new name that there is no room for, -2
-- for one of somebody who asked for too many. If there are sites, then the count of each visit's site follows, in the same
-- order. A visit of a name with parts counts for its site, too, which is the name's first part.
-- A batch that comes too late, as after Redis hung, or for another minute than it is by Redis' clock, counts nothing: it
-- returns the clock alone, below zero.
--
-- An id that was seen gets the number it got then, and moves nothing. Ids are kept in a ring of hashes without a time to
-- live, so that a full Redis drops none: a new one is begun when the clock is SLOT seconds from where the last began, and
-- takes the place of the oldest. So an id is known for (SLOTS - 1) * SLOT seconds at least, and for one slot less for each
-- time that the clock jumps meanwhile, however far; there are never more than SLOTS hashes.
local SLOT, SLOTS, FIRST_SLOT = 20, 3, 8
local NO_ROOM, TOO_MANY = -1, -2
local A_HOUR, A_DAY, A_WEEK = 3600, 86400, 604800

local time = redis.call('TIME')
local millis = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] ~= '0' and millis > tonumber(ARGV[2]) then return { -millis } end
if math.floor(time[1] / 60) ~= tonumber(ARGV[4]) then return { -millis } end

local names, sites_follow = {}, false
local FIRST_VISIT = 7 + 3 * ARGV[6]
for i = 7, FIRST_VISIT - 1, 3 do
  local site = string.match(ARGV[i], '^(.-)/')
  names[#names + 1] = { name = ARGV[i], site = site, visitors_of_site = tonumber(ARGV[i + 1]), by = ARGV[i + 2] }
  sites_follow = sites_follow or site ~= nil
end

local ids = {}
for i = FIRST_VISIT, #ARGV, 3 do
  if ARGV[i] ~= '' then ids[#ids + 1] = ARGV[i] end
end
local number_of = {}
if #ids > 0 then
  for slot = 0, SLOTS - 1 do
    for i, number in ipairs(redis.call('HMGET', KEYS[FIRST_SLOT + slot], unpack(ids))) do
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
local counts, added, is_new, asked_by, room = {}, {}, {}, {}, nil

local function look_at(name)
  if not counts[name] then
    local stands_at = redis.call('ZSCORE', KEYS[2], name)
    counts[name] = count(name, stands_at)
    is_new[name] = not stands_at
  end
end

local function add(name)
  counts[name], added[name] = counts[name] + 1, (added[name] or 0) + 1
end

-- Nil where the name may be counted: it is there, or there is room for it and for its site.
local function refusal(entry)
  look_at(entry.name)
  if entry.site then look_at(entry.site) end
  local lacking = (is_new[entry.name] and 1 or 0) + (entry.site and is_new[entry.site] and 1 or 0)
  if lacking == 0 then return nil end
  room = room or ARGV[1] - redis.call('ZCARD', KEYS[2])
  if lacking > room then return NO_ROOM end
  if entry.by ~= '' then
    local before = asked_by[entry.by] or count('the number of new names', redis.call('HMGET', KEYS[6], entry.by)[1])
    if before >= tonumber(ARGV[5]) then return TOO_MANY end
    asked_by[entry.by] = before + 1
  end
  room = room - lacking
  is_new[entry.name] = false
  if entry.site then is_new[entry.site] = false end
  return nil
end

local new_ids, visitors, visitors_of_sites, numbers, sites, counted = {}, {}, {}, { millis, 0 }, {}, 0
for i = FIRST_VISIT, #ARGV, 3 do
  local id, entry, visitor = ARGV[i], names[tonumber(ARGV[i + 1])], ARGV[i + 2]
  local number = number_of[id]
  if not number then
    number = entry and refusal(entry)
    if not number then
      counted = counted + 1
      if entry then add(entry.name) end
      if entry and entry.site then add(entry.site) end
      number = entry and counts[entry.name] or total + counted
      if id ~= '' then
        number_of[id] = number
        new_ids[#new_ids + 1] = id
        new_ids[#new_ids + 1] = number
      end
      if visitor ~= '' then
        visitors[#visitors + 1] = visitor
        local of_site = entry and entry.visitors_of_site
        if of_site then
          visitors_of_sites[of_site] = visitors_of_sites[of_site] or {}
          table.insert(visitors_of_sites[of_site], visitor)
        end
      end
    end
  end
  numbers[#numbers + 1] = number
end
numbers[2] = total + counted
if sites_follow then
  for i = FIRST_VISIT, #ARGV, 3 do
    local entry = names[tonumber(ARGV[i + 1])]
    if entry and entry.site then look_at(entry.site) end
    numbers[#numbers + 1] = entry and entry.site and counts[entry.site] or 0
  end
end

if counted > 0 then
  count(KEYS[3], redis.call('GET', KEYS[3]))
  local today = { '' }
  for name in pairs(added) do today[#today + 1] = name end
  for i, visits in ipairs(redis.call('HMGET', KEYS[4], unpack(today))) do count('the visits of a day', visits) end
  if #visitors > 0 then redis.call('PFCOUNT', KEYS[5]) end
  for of_site in pairs(visitors_of_sites) do redis.call('PFCOUNT', KEYS[of_site]) end
end

-- Nothing was written up to here: a Redis that is full or refuses writes has counted none of them.
local trial = ARGV[3] == '1'
if trial then
  redis.call('INCRBY', KEYS[1], 0)
  redis.call('ZADD', KEYS[2], 'XX', 0, '')
  redis.call('HINCRBY', KEYS[4], '', 0)
  redis.call('EXPIRE', KEYS[4], 2 * A_DAY)
  redis.call('PFADD', KEYS[5])
  redis.call('EXPIRE', KEYS[5], A_WEEK + A_DAY)
  redis.call('UNLINK', KEYS[11])
end
if trial or counted > 0 then
  local ring = redis.call('HMGET', KEYS[7], 'slot', 'since')
  local slot, since = tonumber(ring[1] or 0), tonumber(ring[2] or 0)
  local is_over = math.abs(millis - since) >= SLOT * 1000
  if is_over then
    slot, since = (slot + 1) % SLOTS, millis
    -- Before all else, since it makes room: a Redis that is full of ids lets go of the oldest.
    redis.call('UNLINK', KEYS[FIRST_SLOT + slot])
  end
  if is_over or trial then redis.call('HSET', KEYS[7], 'slot', slot, 'since', since) end
  if counted > 0 then
    redis.call('INCRBY', KEYS[1], counted)
    for name, visits in pairs(added) do
      redis.call('ZADD', KEYS[2], counts[name], name)
      redis.call('HINCRBY', KEYS[4], name, visits)
    end
    if #new_ids > 0 then redis.call('HSET', KEYS[FIRST_SLOT + slot], unpack(new_ids)) end
    if redis.call('INCRBY', KEYS[3], counted) == counted then redis.call('EXPIRE', KEYS[3], 2 * A_HOUR) end
    if redis.call('HINCRBY', KEYS[4], '', counted) == counted then redis.call('EXPIRE', KEYS[4], 2 * A_DAY) end
    for by, asked in pairs(asked_by) do
      redis.call('HSET', KEYS[6], by, asked)
      redis.call('EXPIRE', KEYS[6], 2 * A_HOUR)
    end
    local function came(key, who)
      redis.call('PFADD', key, unpack(who))
      redis.call('EXPIRE', key, A_WEEK + A_DAY)
    end
    if #visitors > 0 then came(KEYS[5], visitors) end
    for of_site, who in pairs(visitors_of_sites) do came(KEYS[of_site], who) end
  end
end
return numbers
