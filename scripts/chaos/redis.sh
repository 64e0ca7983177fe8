# shellcheck shell=bash
# Bad days of Redis.
all+=" redis-restarted redis-paused redis-slow redis-killed redis-power-cut redis-log-damaged"
all+=" redis-full redis-readonly redis-greedy-clients redis-endless-script redis-full-of-sessions"

# Until it has its data again: what it needs to read them depends on how many there are. Without a
# pause, since the time from here on is measured.
wait_for_redis() {
  local end=$((SECONDS + 60))
  until [ "$(redis_as app ping 2>/dev/null)" = PONG ]; do
    if [ "$SECONDS" -ge "$end" ]; then
      problem "Redis did not come back within a minute"
      break
    fi
  done
}
redis_says() { # FIELD of INFO
  redis_as health info everything | tr -d '\r' | sed -n "s/^$1://p"
}
health_says() { # TEXT
  [[ $(curl -s -m 5 "$url/health") = *"$1"* ]]
}
expect_health() { # TEXT
  within 10 health_says "$1" >/dev/null || problem "/health said $(curl -s -m 5 "$url/health")"
}
in_redis() { # COMMANDS
  docker compose exec -T redis sh -c "$1"
}

redis-restarted() {
  begin_load $((seconds + 4))
  docker compose restart redis >/dev/null 2>&1
  wait_for_redis
  expect_recovery "Redis was back"
  end_load
  expect_only_503
  expect_each_number_once
  expect_counted -ge
}

redis-paused() {
  begin_load $((seconds + 12))
  docker compose pause redis >/dev/null 2>&1
  sleep 5
  expect "/health/live" "$(code_of "$url/health/live")" -eq 200
  expect "/health" "$(code_of "$url/health")" -eq 503
  sleep 5
  docker compose unpause redis >/dev/null 2>&1
  expect_recovery "Redis was back"
  end_load
  expect_only_503
  expect_each_number_once
  expect_counted -ge
}

# It runs for a moment in each second, which is enough for one call: the two seconds are those of
# all that a request asks.
redis-slow() {
  local redis slices route code took slowest=0 other="" cookie="" kind
  local deadline=$((SECONDS + seconds + 4))
  redis=$(container redis)
  cookie=$(curl -s -m 5 -o /dev/null -D - -H 'Accept: text/html' -A Mozilla "$url/" | tr -d '\r' |
    sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\).*/\1/p')
  begin_load $((seconds + 6)) 16
  touch "$work/slow"
  while [ -e "$work/slow" ]; do
    docker pause "$redis"
    sleep 0.8
    docker unpause "$redis"
  done >/dev/null 2>&1 &
  slices=$!
  while [ "$SECONDS" -lt "$deadline" ]; do
    for route in / /page /api/stats /api/session /badge/total.svg /api/visits /health; do
      kind=application/json
      [ "$route" != /page ] || kind=text/html
      read -r code took < <(curl -s -m 10 -o /dev/null -w '%{http_code} %{time_total}\n' \
        -A Mozilla -H "Cookie: $cookie" -H "Accept: $kind" "$url${route%page}")
      [ "$code" = 200 ] || [ "$code" = 503 ] || other="$other $route: $code"
      took=$((10#${took/./} / 1000))
      [ "$took" -le "$slowest" ] || slowest=$took
    done
  done
  rm "$work/slow"
  wait "$slices"
  docker unpause "$redis" >/dev/null 2>&1
  wait_until_counted
  tap_say "the slowest of all routes took $slowest ms"
  [ -z "$other" ] || problem "other answers than 200 and 503:$other"
  expect "slowest route, ms" "$slowest" -le 2500
  end_load
  expect_only_503 2500
  expect_each_number_once
  expect_counted -ge
}

redis-killed() {
  begin_load $((seconds + 4))
  docker compose kill -s KILL redis >/dev/null 2>&1
  expect "/health/live" "$(code_of "$url/health/live")" -eq 200
  docker compose start redis >/dev/null 2>&1
  wait_for_redis
  expect_recovery "Redis was back"
  end_load
  expect_only_503
  # Also those that were lost while others were counted without an answer: their numbers were given
  # again.
  # shellcheck disable=SC2154 # names in an array
  local lost=$((load[answers] - load[counted])) twice=$((load[answers] - load[distinct]))
  [ "$lost" -ge "$twice" ] || lost=$twice
  tap_say "$lost answered visits were lost, of the at most ${load[rate]} of a second"
  expect "lost" "$lost" -le "${load[rate]}"
}

redis-full() {
  local before filler
  before=$(total)
  # What the app may write and Redis may not drop: caches without an end.
  awk 'BEGIN {
      block = "x"; while (length(block) < 131072) block = block block
      for (i = 0; i < 800; i++) print "SET tally:cache:chaos:" i " " block
    }' | redis_as app >/dev/null 2>&1
  # And on for as long as it shall be full, in pieces larger than what it finds to drop: ids of
  # requests, which come anew.
  touch "$work/fill"
  for ((i = 800; i < 3000; i++)); do
    [ -e "$work/fill" ] || break
    printf 'SET tally:cache:chaos:%d %0131072d\n' "$i" 0
    sleep 0.05
  done | redis_as app >/dev/null 2>&1 &
  filler=$!
  begin_load $((seconds + 10))
  sleep 3
  expect "/health/live" "$(code_of "$url/health/live")" -eq 200
  expect "the total" "$(total)" -ge "$before"
  rm "$work/fill"
  wait "$filler"
  redis-full-undo
  expect_recovery "there was room"
  end_load
  expect_only_503
  expect_each_number_once
  # Not all: it first drops what has a time to live, such as the ids of requests, and counts on with
  # that room.
  expect "refused while it was full" "${load[failed]}" -gt 0
  expect_counted -eq
}

redis-full-undo() {
  rm -f "$work/fill"
  seq 0 3000 | sed 's/^/DEL tally:cache:chaos:/' | redis_as app >/dev/null 2>&1
}

redis-readonly() {
  begin_load $((seconds + 8))
  # A snapshot that can't be moved to where it belongs: Redis takes no writes until one succeeds.
  in_redis '
    mv /data/dump.rdb /data/dump.rdb.chaos 2>/dev/null
    mkdir -p /data/dump.rdb/in-the-way'
  redis_as backup bgsave >/dev/null 2>&1
  expect_health 'could not save to disk'
  expect "GET / on a Redis that takes no writes" "$(code_of "$url/")" -eq 503
  expect "reading goes on" "$(code_of "$url/api/visits")" -eq 200
  redis-readonly-undo
  redis_as backup bgsave >/dev/null 2>&1
  expect_recovery "the next snapshot was asked for"
  end_load
  expect_only_503
  expect_each_number_once
  expect_counted -eq
}
redis-readonly-undo() {
  # With the slash it is nothing but the folder.
  in_redis '
    rm -rf /data/dump.rdb/
    [ ! -e /data/dump.rdb.chaos ] || mv /data/dump.rdb.chaos /data/dump.rdb' 2>/dev/null
}

redis-greedy-clients() {
  local process evicted greedy
  process=$(redis_says run_id)
  evicted=$(redis_says evicted_keys)
  begin_load $((seconds + 8))
  "$java" -cp "$classes" tally.load.GreedyClients "$(address_of "$(container redis)")" \
    "$(redis_password operator)" $((seconds + 5)) >"$work/greedy" 2>&1 &
  greedy=$!
  wait "$greedy" || problem "$(head -c 300 "$work/greedy")"
  end_load
  tap_say "clients of Redis that read nothing were $(cat "$work/greedy");" \
    "Redis' most memory: $(redis_says used_memory_peak_human)"
  [ "$(redis_says run_id)" = "$process" ] || problem "Redis died"
  expect "keys dropped" $(($(redis_says evicted_keys) - evicted)) -eq 0
  expect_no_failure
  expect_counted -eq
}

# The app's user has Redis run a script without an end; the command ends it.
endless() { # SCRIPT COMMAND…
  local asker
  redis_as app eval "$1" 1 tally:cache:chaos:0 >/dev/null 2>&1 &
  asker=$!
  expect_health BUSY
  expect "GET / while a script runs on" "$(code_of "$url/")" -eq 503
  # Whoever can't end it must not leave it.
  "${@:2}" || docker compose restart -t 1 redis >/dev/null 2>&1
  wait "$asker"
  wait_for_redis
  expect_recovery "${*:2}"
}
operator_says() { # TEXT COMMAND…
  local said
  said=$(redis_as operator "${@:2}" 2>&1)
  if [[ $said != *"$1"* ]]; then
    problem "$*: $said"
    return 1
  fi
}
restart_at_once() {
  operator_says UNKILLABLE script kill && docker compose restart -t 1 redis >/dev/null 2>&1
}

redis-endless-script() {
  begin_load $((seconds + 15))
  endless 'while true do end' operator_says OK script kill
  # One that has written can't be ended without a word of what it wrote: only Redis as a whole. Its
  # log has nothing of it.
  endless "while true do redis.call('INCRBY', KEYS[1], 1) end" restart_at_once
  end_load
  expect_only_503
  expect_each_number_once
  expect_counted -ge
}

redis-full-of-sessions() {
  local innocent evicted dropped
  innocent=$(curl -s -o /dev/null -c - -A Mozilla -H 'Accept: text/html' "$url/" |
    sed -n 's/.*tally-session\t//p')
  evicted=$(redis_says evicted_keys)
  begin_load $((seconds + 20))
  "$java" -cp "$classes" tally.load.ManySessions "$url" "$(address_of "$(container app)")" 12 \
    $((seconds + 15)) 1000 >"$work/sessions" 2>&1 || problem "$(head -c 300 "$work/sessions")"
  end_load
  tap_say "$(cat "$work/sessions")"
  dropped=$(($(redis_says evicted_keys) - evicted))
  tap_say "Redis holds $(redis_as app get tally:sessions:bytes) bytes of sessions," \
    "and dropped $dropped keys"
  expect "an innocent's session" \
    "$(code_of -b "tally-session=$innocent" "$url/api/session")" -eq 200
  grep -q ' 0 with two numbers' "$work/sessions" || problem "ids were forgotten"
  grep -q '503=[1-9]' "$work/sessions" || problem "no session was refused"
  expect "keys dropped" "$dropped" -eq 0
  expect_no_failure
  # One for each id.
  expect "counted" "${load[counted]}" -eq $((load[answers] + 1000))
}

# While Redis does not run: its log is $log.
in_volume() { # COMMANDS
  docker compose run --rm --no-deps -T --entrypoint sh redis -euc "
    cd /data/appendonlydir
    log=\$(sed -n 's/^file \\([^ ]*\\) .* type i.*/\\1/p' *.manifest | tail -n 1)
    $1"
}
last_words() {
  docker logs --tail 100 "$(docker compose ps -aq redis)" 2>&1 |
    grep -o 'redis\.sh: .*' | tail -n 1
}

redis-power-cut() {
  local tail total
  # shellcheck disable=SC2016 # for the container's shell
  for tail in 'head -c 64 /dev/zero' 'head -c 3000 /dev/urandom' \
    'printf "*2\r\n\$4\r\nIN"; head -c 4096 /dev/zero'; do
    total=$(total)
    # A second, for what Redis has not yet written for good.
    sleep 1.2
    docker compose kill -s KILL redis >/dev/null 2>&1
    in_volume "{ $tail; } >>\$log"
    docker compose start redis >/dev/null 2>&1
    wait_for_redis
    wait_until_counted
    [ "$(total)" -ge "$total" ] || problem "after $tail: $(total) of $total visits"
    tap_say "after $tail: $(last_words)"
    [[ $(last_words) = *'were cut off, as after a power cut'* ]] ||
      problem "after $tail Redis said: $(last_words)"
  done
  expect "damaged logs that are kept" "$(in_redis 'ls /data/damaged-*.aof' | wc -l)" -le 2
}
redis-power-cut-undo() {
  in_redis 'rm -f /data/damaged-*.aof'
}

redis-log-damaged() {
  local total backup=$work/before.rdb
  for _ in 1 2 3; do
    curl -sf -m 10 -o /dev/null "$url/"
    sleep 2.1
  done
  total=$(total)
  scripts/backup.sh "$backup" >/dev/null || problem "no backup"
  docker compose kill -s KILL redis >/dev/null 2>&1
  # In the middle of its last commands.
  # shellcheck disable=SC2016 # the container's shell expands it
  in_volume 'at=$(grep -abo "#TS:" $log | tail -n 3 | head -n 1 | cut -d: -f1)
    printf "XXXXXXXX" | dd of=$log bs=1 seek=$((at + 20)) conv=notrunc 2>/dev/null'
  docker compose start redis >/dev/null 2>&1
  within 20 last_words_name_restore >/dev/null
  tap_say "$(last_words)"
  [[ $(last_words) = *'Nothing was changed. scripts/restore.sh'* ]] ||
    problem "Redis said: $(docker compose logs --no-log-prefix redis | tail -n 2)"
  expect "GET / without Redis" "$(code_of "$url/")" -eq 503
  scripts/restore.sh "$backup" >"$work/restored" 2>&1 ||
    problem "restore.sh: $(tail -n 2 "$work/restored")"
  wait_until_counted
  [ "$(total)" -ge "$total" ] || problem "$(total) of $total visits after the restore"
}
last_words_name_restore() {
  [[ $(last_words) = *scripts/restore.sh* ]]
}
redis-log-damaged-undo() {
  in_redis 'rm -rf /data/replaced-*'
}
