-- Tells every replica, for its open pages: the total as it stands, then name=count for each page or site that is named.
-- In a name a blank, an equals sign and a percent sign are written as %20, %3D and %25.
--
-- KEYS  1 the total   2 the pages (sorted set)
-- ARGV  names of pages; one that has no visits is passed over, as is the empty name
local news = { redis.call('GET', KEYS[1]) or 0 }
for _, page in ipairs(ARGV) do
  local stands_at = redis.call('ZSCORE', KEYS[2], page)
  if stands_at then 
    local name = string.gsub(page, '[%% =]', function(sign) return string.format('%%%02X', string.byte(sign)) end)
    news[#news + 1] = name .. '=' .. stands_at
  end
end
return redis.call('PUBLISH', 'tally:events', table.concat(news, ' '))
