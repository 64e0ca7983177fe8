-- Tells every replica, for its open pages: the total as it stands, then page=count for each page that is named.
--
-- KEYS  1 the total   2 the pages (sorted set)
-- ARGV  names of pages; one that has no visits is passed over, as is the empty name
local news = { redis.call('GET', KEYS[1]) or 0 }
for _, page in ipairs(ARGV) do
  local stands_at = redis.call('ZSCORE', KEYS[2], page)
  if stands_at then news[#news + 1] = page .. '=' .. stands_at end
end
return redis.call('PUBLISH', 'tally:events', table.concat(news, ' '))
