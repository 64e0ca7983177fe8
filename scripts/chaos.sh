#!/usr/bin/env bash
# chaos.sh [--list] [--short] [SCENARIO…]: causes bad days on the running local stack, under load, and says what was lost;
# one TAP line for each scenario, with its figures above it. Without a scenario: all.
#
# The load is 64 connections on 127.0.0.1, through Nginx, as of so many visitors: for the time of the run this machine is
# a trusted proxy of conf/local, whose rate limits stay as they are. It counts visits, restarts and kills containers, and
# leaves the stack with as many replicas as it found. --short: less load, for CI.
set -uo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

all="replica-killed replica-hung rollout stop redis-restarted redis-paused redis-killed redis-full redis-readonly nginx-restarted slow-clients overload bad-input"
seconds=15 hostile=200000 scenarios=""
for argument; do
  case $argument in
    --list) tr ' ' '\n' <<<"$all"; exit 0 ;;
    --short) seconds=4 hostile=20000 ;;
    *) [[ " $all " = *" $argument "* ]] || { echo "chaos.sh: unknown argument $argument; see --help and --list" >&2; exit 2; }
      scenarios="$scenarios $argument" ;;
  esac
done
cd "$(dirname "$0")/.." || exit 2
[ "${TALLY_ENV:-local}" = local ] || { echo "chaos.sh: only for the local stack" >&2; exit 2; }
port=${HTTP_PORT:-80} connections=64
url=http://127.0.0.1:$port
curl -sf -m 10 -o /dev/null "$url/health" || { echo "Bail out! Nothing healthy answers at $url; docker compose up -d --wait starts the stack"; exit 1; }
scripts/run.sh --build >/dev/null || exit 1
java=$(scripts/java.sh) classes="target/test-classes:target/classes:target/lib/*"
replicas=$(docker compose ps -q app | wc -l)
work=$(mktemp -d)

# ---- tools ----

container() { docker compose ps -q "$1" | head -n 1; }
visits() { curl -fsS -m 10 --retry 5 --retry-all-errors "$url/api/visits" | grep -o '[0-9]*'; }
status() { curl -s -o /dev/null -m 5 -w '%{http_code}' "$1"; }
millis() { echo $(($(date +%s%N) / 1000000)); }
# Connections that the replicas took so far.
taken() { docker compose ps -q app | while read -r replica; do docker exec "$replica" cat /proc/net/snmp; done | awk '/^Tcp: [0-9]/ { sum += $7 } END { print sum + 0 }'; }
scale() { docker compose up -d --no-recreate --scale "app=$1" --wait >/dev/null 2>&1; sleep 3; }
address_of() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$1" | cut -d' ' -f1; }
redis_as() { # USER COMMAND…
  local user=$1 secret; shift
  secret=$(cat "conf/local/secrets/redis-$([ "$user" = app ] || echo "$user-")password")
  docker compose exec -T -e REDISCLI_AUTH="$secret" redis redis-cli -e --user "$user" "$@"
}
say() { echo "# $*"; }

problems=""
expect() { # WHAT LEFT OPERATOR RIGHT, as of [ ]
  test "$2" "$3" "$4" || problems="$problems; $1: $2, not $3 $4"
}
# start_load [SECONDS [CONNECTIONS]], then wait_load: sets answers, distinct, failed, kinds, longest, counted (what Redis
# says the total grew by) and rate.
start_load() {
  load_seconds=${1:-$seconds} extra=0 before=$(visits)
  "$java" -cp "$classes" tally.Load "$url/" "${2:-$connections}" "${load_seconds}s" >"$work/load" 2>&1 &
  load=$!
  sleep 2
}
wait_load() {
  wait "$load" || true
  if [[ $(cat "$work/load") =~ ^([0-9]+)\ answers,\ ([0-9]+)\ distinct\ numbers,\ ([0-9]+)\ failures\ (.*),\ longest\ wait\ ([0-9]+)\ ms ]]; then
    answers=${BASH_REMATCH[1]} distinct=${BASH_REMATCH[2]} failed=${BASH_REMATCH[3]} kinds=${BASH_REMATCH[4]} longest=${BASH_REMATCH[5]}
  else
    problems="$problems; the load broke off: $(head -c 300 "$work/load")"
    answers=0 distinct=0 failed=0 kinds="" longest=0
  fi
  recovered
  counted=$(($(visits) - before - extra)) rate=$((answers / load_seconds))
  say "$answers visits answered ($rate a second), $failed not $kinds; longest wait $longest ms; counted $counted"
}
# Waits until Redis has its data again: what it needs to read them depends on how many there are.
redis_is_back() {
  local end=$((SECONDS + 60))
  until [ "$(redis_as app ping 2>/dev/null)" = PONG ]; do
    [ $SECONDS -lt $end ] || { problems="$problems; Redis did not come back within a minute"; break; }
  done
}
# Waits until visits are counted again, by a visit of its own; milliseconds.
recovered() {
  local began; began=$(millis)
  until [ "$(status "$url/")" = 200 ]; do
    [ $(($(millis) - began)) -lt 60000 ] || { problems="$problems; no recovery within a minute"; break; }
    sleep 0.05
  done
  recovery=$(($(millis) - began)) extra=$((extra + 1))
}
nothing_failed() { expect "failed" "$failed" -eq 0; all_counted_once; }
all_counted_once() { expect "numbers given twice" $((answers - distinct)) -eq 0; }
# A fault of Redis: what can't be counted is a 503 that may be sent again, and soon.
only_503() {
  local other
  other=$(sed 's/[{}]//g; s/status 503=[0-9]*//; s/[ ,]//g' <<<"$kinds")
  [ -z "$other" ] || problems="$problems; other answers than 200 and 503 with Retry-After: $kinds"
  expect "longest wait, ms" "$longest" -le 2000
}

# ---- the bad days ----

replica-killed() {
  scale 3
  start_load
  local victim; victim=$(container app)
  docker kill -s KILL "$victim" >/dev/null
  wait_load
  docker start "$victim" >/dev/null
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
}

replica-hung() {
  scale 3
  start_load $((seconds + 10))
  local victim; victim=$(container app)
  docker kill -s STOP "$victim" >/dev/null
  sleep 8
  # What it had taken it answers now, to nobody: another replica was asked the same.
  docker kill -s CONT "$victim" >/dev/null
  wait_load
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  # Or it did not hang.
  expect "longest wait, ms" "$longest" -ge 4000
  expect "longest wait, ms" "$longest" -le 8000
}

rollout() {
  scale 3
  local old new version=${TALLY_VERSION:-dev}
  old=$(docker compose ps -q app)
  start_load $((seconds + 18))
  scripts/rollout.sh >"$work/rollout" 2>&1 || problems="$problems; rollout.sh: $(tail -n 3 "$work/rollout")"
  wait_load
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  new=$(docker compose ps -q app)
  expect "replicas that stayed" "$(grep -cFf <(echo "$old") <<<"$new")" -eq 0
  expect "replicas" "$(wc -l <<<"$new")" -eq 3
  printf 'FROM tally:%s\nENTRYPOINT ["/bin/sh", "-c", "exit 1"]\n' "$version" | docker build -q -t "tally:$version-broken" - >/dev/null
  start_load $((seconds + 6))
  if TALLY_VERSION=$version-broken scripts/rollout.sh >"$work/rollout" 2>&1; then problems="$problems; a version that can't start was rolled out"; fi
  wait_load
  docker rmi -f "tally:$version-broken" >/dev/null
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  [ "$(docker compose ps -q app | sort)" = "$(sort <<<"$new")" ] || problems="$problems; the old replicas did not stay"
}

stop() {
  scale 3
  local victim address code began took streamed=0
  victim=$(container app) address=$(address_of "$(container app)"):5000
  [ "$(status "http://$address/health")" = 200 ] || { skipped="the containers' addresses can't be reached from here"; return; }
  curl -s -N -m 20 -o "$work/events" "http://$address/api/events" & local events=$!
  sleep 0.5
  # Redis holds its breath, so that a request is under way when the signal comes.
  docker compose pause redis >/dev/null 2>&1
  curl -s -m 5 -o /dev/null -w '%{http_code}' "http://$address/" >"$work/inflight" & local inflight=$!
  sleep 0.3
  began=$(millis)
  docker kill -s TERM "$victim" >/dev/null
  docker compose unpause redis >/dev/null 2>&1
  local health; health=$(curl -s -m 2 "http://$address/health")
  wait "$inflight"
  wait "$events" || streamed=$?
  code=$(timeout 25 docker wait "$victim")
  took=$(($(millis) - began))
  say "SIGTERM: /health said ${health:0:20}…, the request under way got $(cat "$work/inflight"), gone with $code after $took ms"
  [[ $health = *'"status":"stopping"'* ]] || problems="$problems; /health said $health"
  expect "the request under way" "$(cat "$work/inflight")" -eq 200
  expect "how the open page ended" "$streamed" -eq 0
  [ "$code" = 143 ] || [ "$code" = 0 ] || problems="$problems; exit status $code"
  expect "time to stop, ms" "$took" -lt 15000
  docker start "$victim" >/dev/null
}

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

nginx-restarted() {
  start_load $((seconds + 4))
  for _ in 1 2 3; do docker compose exec -T nginx nginx -s reload 2>/dev/null; sleep 1; done
  wait_load
  say "that was with three reloads"
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  start_load $((seconds + 4))
  docker compose restart nginx >/dev/null 2>&1
  wait_load
  say "that was with a restart"
  all_counted_once
  [[ $kinds != *status* ]] || problems="$problems; answers other than 200: $kinds"
  # Those whose answer was on its way when the connection ended.
  expect "counted without an answer" $((counted - answers)) -le "$connections"
  expect "answered without being counted" $((answers - counted)) -le 0
}

slow-clients() {
  "$java" -cp "$classes" tally.SlowClients "$port" 500 100 $((seconds + 10)) >"$work/slow" 2>&1 & local slow=$!
  sleep 3
  start_load
  wait_load
  wait "$slow" || problems="$problems; the slow clients: $(tail -n 1 "$work/slow")"
  say "beside $(tail -n 1 "$work/slow")"
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  expect "longest wait, ms" "$longest" -le 2000
}

overload() {
  # Long enough that to connect, and to compile the client's own code, is a small part of it.
  local peak opened share=0 memory=0 now other seconds=$((seconds < 8 ? 8 : seconds))
  # Throughput that collapses does so each time; a busy machine does not.
  for _ in 1 2 3; do
    start_load; wait_load; peak=$rate
    opened=$(taken)
    start_load "$seconds" $((10 * connections))
    while kill -0 "$load" 2>/dev/null; do
      now=$(docker compose ps -q app | xargs docker stats --no-stream --format '{{.MemPerc}}' | tr -d '%' | sort -n | tail -n 1 | cut -d. -f1)
      [ "${now:-0}" -le "$memory" ] || memory=$now
    done
    wait_load
    other=$(sed 's/[{}]//g; s/status \(429\|503\)=[0-9]*//g; s/[ ,]//g' <<<"$kinds")
    [ -z "$other" ] || problems="$problems; other answers than 200, and 429 or 503 with Retry-After: $kinds"
    say "peak $peak a second at $connections connections, $rate at $((10 * connections)); memory at most $memory % of its limit"
    opened=$(($(taken) - opened))
    share=$((100 * rate / (peak + 1)))
    [ "$share" -lt 80 ] || break
  done
  # One for each request that finds none free would leave Nginx without a port before long.
  expect "connections to the app for $answers visits" "$opened" -le $((20 * connections))
  expect "throughput, % of its peak, three times" "$share" -ge 80
  docker compose ps -q app | while read -r replica; do docker inspect --format '{{.State.OOMKilled}} {{.RestartCount}}' "$replica"; done >"$work/killed"
  expect "replicas that were killed for their memory" "$(grep -vc '^false 0$' "$work/killed")" -eq 0
  start_load 4
  wait_load
  say "that was right after it"
  nothing_failed
  # And one client alone that asks for more than it may, beside the others.
  start_load
  local greedy refused
  greedy=$(curl -s -Z --parallel-max 50 -o /dev/null -w '%{http_code} %header{retry-after}\n' "$url/?[1-3000]" 2>/dev/null | sort | uniq -c)
  refused=$(awk '$2 == 429 { print $1 }' <<<"$greedy") extra=$(awk '$2 == 200 { print $1 }' <<<"$greedy")
  say "one client beside them asked 3,000 times at once and got ${extra:-0} x 200, ${refused:-0} x 429"
  wait_load
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  expect "answers to that client other than 200, and 429 with Retry-After" "$(awk '$2 == 200 || $2 == 429 && $3 == 1 { n += $1 } END { print 3000 - n }' <<<"$greedy")" -eq 0
  expect "times that client was refused" "${refused:-0}" -gt 2000
}

bad-input() {
  local app address keys memory=() side
  app=$(container app) address=$(address_of "$(container app)")
  keys=$(redis_as operator dbsize)
  memory+=("$(docker exec "$app" cat /proc/1/status | awk '/^VmRSS/ { print int($2 / 1024) }')")
  for side in "127.0.0.1 $port" "$address 5000"; do
    [ "$(status "http://${side/ /:}/health/live")" = 200 ] || { skipped="to the app itself: its address can't be reached from here"; continue; }
    # shellcheck disable=SC2086 # host and port
    "$java" -cp "$classes" tally.BadInput $side $((hostile / 2)) "${SEED:-$RANDOM}" >"$work/bad" 2>&1 || problems="$problems; to $side: $(tail -n +2 "$work/bad" | tr '\n' '|')"
    say "to $side: $(head -n 1 "$work/bad")"
  done
  memory+=("$(docker exec "$app" cat /proc/1/status | awk '/^VmRSS/ { print int($2 / 1024) }')")
  say "resident ${memory[0]} MB before, ${memory[1]} MB after; $keys keys before, $(redis_as operator dbsize) after"
  # Room for garbage that was not collected yet: after a collection the heap held 7.7 MB, be it 40,000 such requests or
  # 120,000 (2026-11-23).
  expect "memory it grew by, MB" $((memory[1] - memory[0])) -le 100
  expect "new keys" $(($(redis_as operator dbsize) - keys)) -le 10
  expect "/health" "$(status "$url/health")" -eq 200
}

# ---- this machine as a trusted proxy, for now ----

trusted=conf/local/nginx/http/chaos-trusted-proxy.conf
reload() { docker compose kill -s HUP nginx >/dev/null 2>&1; sleep 2; }
restore() {
  docker compose unpause redis >/dev/null 2>&1
  docker compose kill -s CONT app >/dev/null 2>&1
  # Where a scenario was interrupted.
  rm -f "$work/fill"
  docker compose exec -T redis sh -c 'rm -rf /data/dump.rdb/; [ ! -e /data/dump.rdb.chaos ] || mv /data/dump.rdb.chaos /data/dump.rdb' 2>/dev/null
  seq 0 3000 | sed 's/^/DEL tally:cache:chaos:/' | redis_as app >/dev/null 2>&1
  rm -rf "$trusted" "$work"
  docker compose up -d --no-recreate --scale "app=$replicas" --wait >/dev/null 2>&1
  reload
}
trap restore EXIT
trap 'exit 130' INT TERM
id=$(curl -s -i "$url/static/tally.css" | tr -d '\r' | sed -n 's/^[Xx]-[Rr]equest-[Ii]d: //p')
# The log is written every second.
sleep 2
client=$(docker compose logs --no-log-prefix nginx | sed -n "s/.*\"id\":\"$id\",\"client\":\"\([^\"]*\)\".*/\1/p")
printf 'set_real_ip_from %s;\nreal_ip_header X-Forwarded-For;\n' "$client" >"$trusted"
reload

number=0 broken=0
for scenario in ${scenarios:-$all}; do
  number=$((number + 1)) problems="" skipped=""
  "$scenario"
  if [ -z "$problems" ]; then echo "ok $number - $scenario${skipped:+ # SKIP $skipped}"; else broken=$((broken + 1)); echo "not ok $number - $scenario${problems/;/:}"; fi
done
echo "1..$number"
[ "$broken" = 0 ] || { echo "# $broken of $number went wrong"; exit 1; }
