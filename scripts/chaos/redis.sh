# shellcheck shell=bash
# Bad days of Redis.
all+=" redis-restarted redis-paused redis-slow redis-killed redis-power-cut redis-log-damaged redis-full"
all+=" redis-readonly redis-greedy-clients redis-endless-script redis-full-of-sessions"

redis-restarted() {
  start_load $((seconds + 4))
  docker compose restart redis >/dev/null 2>&1
  redis_is_back
  recovered
  say "counts again $recovery ms after Redis was back"
  expect "recovery, ms" "$recovery" -le 2000
  wait_load
  only_503
  all_counted_once
  # One that was counted while its answer was lost is a 503 to its client, and comes again under a new name.
  expect "counted" "$counted" -ge "$answers"
}

redis-paused() {
  start_load $((seconds + 12))
  docker compose pause redis >/dev/null 2>&1
  sleep 5
  expect "/health/live" "$(status "$url/health/live")" -eq 200
  expect "/health" "$(status "$url/health")" -eq 503
  sleep 5
  docker compose unpause redis >/dev/null 2>&1
  recovered
  say "counts again $recovery ms after Redis was back"
  expect "recovery, ms" "$recovery" -le 2000
  wait_load
  only_503
  all_counted_once
  expect "counted" "$counted" -ge "$answers"
}

# It runs for a moment in each second, which is enough for one call: the two seconds are those of all that a request asks.
redis-slow() {
  local redis slices route code took slowest=0 other="" cookie="" deadline=$((SECONDS + seconds + 4))
  redis=$(container redis)
  cookie=$(curl -s -m 5 -o /dev/null -D - -H 'Accept: text/html' -A Mozilla "$url/" | tr -d '\r' | sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\).*/\1/p')
  start_load $((seconds + 6)) 16
  touch "$work/slow"
  while [ -e "$work/slow" ]; do docker pause "$redis"; sleep 0.8; docker unpause "$redis"; done >/dev/null 2>&1 & slices=$!
  while [ "$SECONDS" -lt "$deadline" ]; do
    for route in / /page /api/stats /api/session /badge/total.svg /api/visits /health; do
      read -r code took < <(curl -s -m 10 -o /dev/null -w '%{http_code} %{time_total}\n' -A Mozilla -H "Cookie: $cookie" \
        -H "Accept: $([ "$route" = /page ] && echo text/html || echo application/json)" "$url${route%page}")
      [ "$code" = 200 ] || [ "$code" = 503 ] || other="$other $route: $code"
      took=$((10#${took/./} / 1000))
      [ "$took" -le "$slowest" ] || slowest=$took
    done
  done
  rm "$work/slow"
  wait "$slices"
  docker unpause "$redis" >/dev/null 2>&1
  recovered
  say "counts again $recovery ms after Redis was quick; the slowest of all routes took $slowest ms"
  [ -z "$other" ] || problems="$problems; other answers than 200 and 503:$other"
  expect "slowest route, ms" "$slowest" -le 2500
  wait_load
  only_503 2500
  all_counted_once
  expect "counted" "$counted" -ge "$answers"
}

redis-killed() {
  start_load $((seconds + 4))
  docker compose kill -s KILL redis >/dev/null 2>&1
  expect "/health/live" "$(status "$url/health/live")" -eq 200
  docker compose start redis >/dev/null 2>&1
  redis_is_back
  recovered
  say "counts again $recovery ms after Redis was back"
  expect "recovery, ms" "$recovery" -le 2000
  wait_load
  only_503
  # Also those that were lost while others were counted without an answer: their numbers were given again.
  local lost=$((answers > counted ? answers - counted : 0))
  [ "$lost" -ge $((answers - distinct)) ] || lost=$((answers - distinct))
  say "$lost answered visits were lost, of the at most $rate of a second"
  expect "lost" "$lost" -le "$rate"
}

redis-full() {
  local before_fill; before_fill=$(visits)
  # What the app may write and Redis may not drop: caches without an end.
  awk 'BEGIN {
      block = "x"; while (length(block) < 131072) block = block block
      for (i = 0; i < 800; i++) print "SET tally:cache:chaos:" i " " block
    }' | redis_as app >/dev/null 2>&1
  # And on for as long as it shall be full, in pieces larger than what it finds to drop: ids of requests, which come anew.
  touch "$work/fill"
  for ((i = 800; i < 3000; i++)); do [ -e "$work/fill" ] || break; printf 'SET tally:cache:chaos:%d %0131072d\n' "$i" 0; sleep 0.05; done |
    docker compose exec -T -e REDISCLI_AUTH="$(cat conf/local/secrets/redis-password)" redis redis-cli --user app >/dev/null 2>&1 & local filler=$!
  start_load $((seconds + 10))
  sleep 3
  expect "/health/live" "$(status "$url/health/live")" -eq 200
  expect "the total" "$(visits)" -ge "$before_fill"
  rm "$work/fill"
  wait "$filler"
  seq 0 3000 | sed 's/^/DEL tally:cache:chaos:/' | redis_as app >/dev/null 2>&1
  recovered
  say "counts again $recovery ms after there was room"
  expect "recovery, ms" "$recovery" -le 2000
  wait_load
  only_503
  all_counted_once
  # Not all: it first drops what has a time to live, such as the ids of requests, and counts on with that room.
  expect "refused while it was full" "$failed" -gt 0
  expect "counted" "$counted" -eq "$answers"
}

redis-readonly() {
  start_load $((seconds + 8))
  # A snapshot that can't be moved to where it belongs: Redis takes no writes until one succeeds.
  docker compose exec -T redis sh -c 'mv /data/dump.rdb /data/dump.rdb.chaos 2>/dev/null; mkdir -p /data/dump.rdb/in-the-way'
  redis_as backup bgsave >/dev/null 2>&1
  local health='' deadline=$((SECONDS + 10))
  until [[ $health = *'could not save to disk'* ]] || [ "$SECONDS" -ge "$deadline" ]; do health=$(curl -s -m 5 "$url/health"); sleep 0.2; done
  [[ $health = *'could not save to disk'* ]] || problems="$problems; /health said $health"
  expect "GET / on a Redis that takes no writes" "$(status "$url/")" -eq 503
  expect "reading goes on" "$(status "$url/api/visits")" -eq 200
  docker compose exec -T redis sh -c 'rm -r /data/dump.rdb; mv /data/dump.rdb.chaos /data/dump.rdb 2>/dev/null || true'
  redis_as backup bgsave >/dev/null 2>&1
  recovered
  say "counts again $recovery ms after the next snapshot was asked for"
  expect "recovery, ms" "$recovery" -le 2000
  wait_load
  only_503
  all_counted_once
  expect "counted" "$counted" -eq "$answers"
}

# A figure of INFO.
redis_says() { redis_as health info everything | tr -d '\r' | sed -n "s/^$1://p"; }

redis-greedy-clients() {
  local process evicted; process=$(redis_says run_id) evicted=$(redis_says evicted_keys)
  start_load $((seconds + 8))
  "$java" -cp "$classes" tally.load.GreedyClients "$(address_of "$(container redis)")" "$(cat conf/local/secrets/redis-operator-password)" \
    $((seconds + 5)) >"$work/greedy" 2>&1 &
  local greedy=$!
  wait "$greedy" || problems="$problems; $(head -c 300 "$work/greedy")"
  wait_load
  say "clients of Redis that read nothing were $(cat "$work/greedy"); Redis' most memory: $(redis_says used_memory_peak_human)"
  [ "$(redis_says run_id)" = "$process" ] || problems="$problems; Redis died"
  expect "keys dropped" $(($(redis_says evicted_keys) - evicted)) -eq 0
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
}

# endless SCRIPT: the app's user has Redis run it; waits until /health says so.
endless() {
  local health='' deadline=$((SECONDS + 10))
  redis_as app eval "$1" 1 tally:cache:chaos:0 >/dev/null 2>&1 & local asker=$!
  until [[ $health = *BUSY* ]] || [ "$SECONDS" -ge "$deadline" ]; do health=$(curl -s -m 5 "$url/health"); sleep 0.2; done
  [[ $health = *BUSY* ]] || problems="$problems; /health said $health"
  expect "GET / while a script runs on" "$(status "$url/")" -eq 503
  # Whoever can't end it must not leave it.
  "${@:2}" || docker compose restart -t 1 redis >/dev/null 2>&1
  wait "$asker"
  redis_is_back
  recovered
  say "counts again $recovery ms after ${*:2}"
  expect "recovery, ms" "$recovery" -le 2000
}
operator_says() { # TEXT COMMAND…
  local said
  said=$(redis_as operator "${@:2}" 2>&1)
  [[ $said = *"$1"* ]] || { problems="$problems; $*: $said"; return 1; }
}
restart_at_once() { operator_says UNKILLABLE script kill && docker compose restart -t 1 redis >/dev/null 2>&1; }

redis-endless-script() {
  start_load $((seconds + 15))
  endless 'while true do end' operator_says OK script kill
  # One that has written can't be ended without a word of what it wrote: only Redis as a whole. Its log has nothing of it.
  endless "while true do redis.call('INCRBY', KEYS[1], 1) end" restart_at_once
  wait_load
  only_503
  all_counted_once
  expect "counted" "$counted" -ge "$answers"
}

redis-full-of-sessions() {
  local innocent evicted
  innocent=$(curl -s -o /dev/null -c - -A Mozilla -H 'Accept: text/html' "$url/" | sed -n 's/.*tally-session\t//p')
  evicted=$(redis_says evicted_keys)
  start_load $((seconds + 20))
  "$java" -cp "$classes" tally.load.ManySessions "$url" "$(address_of "$(container app)")" 12 $((seconds + 15)) 1000 >"$work/sessions" 2>&1 ||
    problems="$problems; $(head -c 300 "$work/sessions")"
  wait_load
  say "$(cat "$work/sessions")"
  say "Redis holds $(redis_as app get tally:sessions:bytes) bytes of sessions, and dropped $(($(redis_says evicted_keys) - evicted)) keys"
  expect "an innocent's session" "$(curl -s -o /dev/null -w '%{http_code}' -b "tally-session=$innocent" "$url/api/session")" -eq 200
  grep -q ' 0 with two numbers' "$work/sessions" || problems="$problems; ids were forgotten"
  grep -q '503=[1-9]' "$work/sessions" || problems="$problems; no session was refused"
  expect "keys dropped" $(($(redis_says evicted_keys) - evicted)) -eq 0
  nothing_failed
  # One for each id.
  expect "counted" "$counted" -eq $((answers + 1000))
}

in_volume() { docker compose run --rm --no-deps -T --entrypoint sh redis -euc "cd /data; log=appendonlydir/\$(sed -n 's/^file \\([^ ]*\\) .* type i.*/\\1/p' appendonlydir/*.manifest | tail -n 1); $1"; }
last_words() { docker logs --tail 100 "$(docker compose ps -aq redis)" 2>&1 | grep -o 'redis\.sh: .*' | tail -n 1; }

redis-power-cut() {
  local tail total
  for tail in 'head -c 64 /dev/zero' 'head -c 3000 /dev/urandom' 'printf "*2\r\n\$4\r\nIN"; head -c 4096 /dev/zero'; do
    total=$(visits)
    # A second, for what Redis has not yet written for good.
    sleep 1.2
    docker compose kill -s KILL redis >/dev/null 2>&1
    in_volume "{ $tail; } >>\$log"
    docker compose start redis >/dev/null 2>&1
    redis_is_back
    recovered
    [ "$(visits)" -ge "$total" ] || problems="$problems; after $tail: $(visits) of $total visits"
    say "after $tail: $(last_words)"
    [[ $(last_words) = *'were cut off, as after a power cut'* ]] || problems="$problems; after $tail Redis said: $(last_words)"
  done
  expect "damaged logs that are kept" "$(docker compose exec -T redis sh -c 'ls /data/damaged-*.aof' | wc -l)" -le 2
  docker compose exec -T redis sh -c 'rm -f /data/damaged-*.aof'
}

redis-log-damaged() {
  local total backup=$work/before.rdb
  for _ in 1 2 3; do
    curl -sf -m 10 -o /dev/null "$url/"
    sleep 2.1
  done
  total=$(visits)
  scripts/backup.sh "$backup" >/dev/null || problems="$problems; no backup"
  docker compose kill -s KILL redis >/dev/null 2>&1
  # In the middle of its last commands.
  in_volume 'at=$(grep -abo "#TS:" $log | tail -n 3 | head -n 1 | cut -d: -f1)
    printf "XXXXXXXX" | dd of=$log bs=1 seek=$((at + 20)) conv=notrunc 2>/dev/null'
  docker compose start redis >/dev/null 2>&1
  local end=$((SECONDS + 20))
  until [[ $(last_words) = *'scripts/restore.sh'* ]] || [ "$SECONDS" -ge "$end" ]; do sleep 0.5; done
  say "$(last_words)"
  [[ $(last_words) = *'Nothing was changed. scripts/restore.sh'* ]] || problems="$problems; Redis said: $(docker compose logs --no-log-prefix redis | tail -n 2)"
  expect "GET / without Redis" "$(status "$url/")" -eq 503
  scripts/restore.sh "$backup" >"$work/restored" 2>&1 || problems="$problems; restore.sh: $(tail -n 2 "$work/restored")"
  recovered
  [ "$(visits)" -ge "$total" ] || problems="$problems; $(visits) of $total visits after the restore"
  docker compose exec -T redis sh -c 'rm -rf /data/replaced-*'
}
