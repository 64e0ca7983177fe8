#!/usr/bin/env bash
# chaos.sh [--list] [--short] [--random-third [SEED]] [SCENARIO…]: causes bad days on the running local stack, under load, and says what was lost;
# one TAP line for each scenario, with its figures above it. Without a scenario: all.
#
# The load is 64 connections on 127.0.0.1, through Nginx, as of so many visitors: for the time of the run this machine is
# a trusted proxy of conf/local, whose rate limits stay as they are. It counts visits, restarts and kills containers, and
# leaves the stack with as many replicas as it found. --short: less load, for CI. --random-third: a third of the scenarios,
# for CI as well; it prints its seed, and takes one.
set -uo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

here=$(dirname "$0")
# Each names its scenarios, in the order in which they run.
all=""
# shellcheck source=scripts/chaos/replicas.sh
. "$here/chaos/replicas.sh"
# shellcheck source=scripts/chaos/redis.sh
. "$here/chaos/redis.sh"
# shellcheck source=scripts/chaos/edge.sh
. "$here/chaos/edge.sh"

seconds=15 hostile=200000 scenarios="" short="" seed=""
for argument; do
  case $argument in
    --list) xargs -n 1 <<<"$all"; exit 0 ;;
    --short) short=yes seconds=4 hostile=20000 ;;
    --random-third) seed=$RANDOM ;;
    [0-9]*) seed=$argument ;;
    *) [[ "$all " = *" $argument "* ]] || { echo "chaos.sh: unknown argument $argument; see --help and --list" >&2; exit 2; }
      scenarios="$scenarios $argument" ;;
  esac
done
cd "$(dirname "$0")/.." || exit 2
[ "${TALLY_ENV:-local}" = local ] || { echo "chaos.sh: only for the local stack" >&2; exit 2; }
port=${HTTP_PORT:-80} connections=64
url=http://127.0.0.1:$port
curl -sf -m 10 -o /dev/null "$url/health" || { echo "Bail out! Nothing healthy answers at $url; docker compose up -d --wait starts the stack"; exit 1; }
classes=$(scripts/load.sh) || exit 1
java=$(scripts/java.sh)
replicas=$(docker compose ps -q app | wc -l)
work=$(mktemp -d) extra=0

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
  secret=$(cat "conf/local/secrets/redis-$([ "$user" = app ] || echo "$user-")password" 2>/dev/null)
  docker compose exec -T -e REDISCLI_AUTH="${secret:-none}" redis redis-cli -e --user "$user" "$@"
}
say() { echo "# $*"; }

problems=""
expect() { # WHAT LEFT OPERATOR RIGHT, as of [ ]
  local words=$3
  case $3 in
    -eq) words="just" ;;
    -ge) words="at least" ;;
    -gt) words="more than" ;;
    -le) words="at most" ;;
    -lt) words="less than" ;;
  esac
  test "$2" "$3" "$4" || problems="$problems; $1: $2 instead of $words $4"
}
# start_load [SECONDS [CONNECTIONS]], then wait_load: sets answers, distinct, failed, kinds, longest, counted (what Redis
# says the total grew by) and rate.
start_load() {
  load_seconds=${1:-$seconds} extra=0 before=$(visits)
  "$java" -cp "$classes" tally.load.Load "$url/" "${2:-$connections}" "${load_seconds}s" >"$work/load" 2>&1 &
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
  say "$answers visits answered ($rate a second), $failed failed$([ "$failed" = 0 ] || echo " (${kinds//[\{\}]/})"); longest wait $longest ms; counted $counted"
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
only_503() { # [LONGEST WAIT, MS]
  local other
  other=$(sed 's/[{}]//g; s/status 503=[0-9]*//; s/[ ,]//g' <<<"$kinds")
  [ -z "$other" ] || problems="$problems; other answers than 200 and 503 with Retry-After: $kinds"
  expect "longest wait, ms" "$longest" -le "${1:-2000}"
}

# ---- this machine as a trusted proxy, for now ----

trusted=conf/local/nginx/http/chaos-trusted-proxy.conf
reload() { docker compose kill -s HUP nginx >/dev/null 2>&1; sleep 2; }
restore() {
  # A second Ctrl-C must not leave half of it.
  trap '' INT TERM
  [ -z "${load:-}" ] || kill "$load" 2>/dev/null
  docker compose unpause redis >/dev/null 2>&1
  docker compose kill -s CONT app >/dev/null 2>&1
  # Where a scenario was interrupted.
  rm -f "$work/fill"
  put_env_back
  docker compose exec -T redis sh -c 'rm -rf /data/dump.rdb/; [ ! -e /data/dump.rdb.chaos ] || mv /data/dump.rdb.chaos /data/dump.rdb' 2>/dev/null
  seq 0 3000 | sed 's/^/DEL tally:cache:chaos:/' | redis_as app >/dev/null 2>&1
  rm -rf "$trusted" "$work"
  docker compose up -d --no-recreate --scale "app=$replicas" --wait >/dev/null 2>&1
  reload
}
# scripts/rollout.sh writes into it.
[ ! -e .env ] || cp -p .env "$work/env"
put_env_back() { if [ -e "$work/env" ]; then cp -p "$work/env" .env; else rm -f .env; fi; }
trap restore EXIT
trap 'exit 130' INT TERM
id=$(curl -s -i "$url/static/tally.css" | tr -d '\r' | sed -n 's/^[Xx]-[Rr]equest-[Ii]d: //p')
# The log is written every second.
sleep 2
client=$(docker compose logs --no-log-prefix nginx | sed -n "s/.*\"id\":\"$id\",\"client\":\"\([^\"]*\)\".*/\1/p")
printf 'set_real_ip_from %s;\nreal_ip_header X-Forwarded-For;\n' "$client" >"$trusted"
reload

if [ -n "$seed" ]; then
  echo "# a random third: --random-third $seed"
  RANDOM=$seed
fi
number=0 broken=0
for scenario in ${scenarios:-$all}; do
  [ -z "$seed" ] || [ $((RANDOM % 3)) = 0 ] || continue
  number=$((number + 1)) problems="" skipped="" began=$SECONDS
  "$scenario"
  if [ -z "$problems" ]; then echo "ok $number - $scenario${skipped:+ # SKIP $skipped}"; else broken=$((broken + 1)); echo "not ok $number - $scenario${problems/;/:}"; fi
  echo "# took $((SECONDS - began)) s"
done
echo "1..$number"
[ "$broken" = 0 ] || { echo "# $broken of $number went wrong"; exit 1; }
