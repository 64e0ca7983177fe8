#!/usr/bin/env bash
# train.sh REDIS-FOLDER CACHE: has the service of /app do its work once, and writes down what Java
# learned of it.
#
# Part of the Dockerfile (its stage train): starts the redis-server in the folder and the service,
# asks for every address in every way, and ends the service by SIGTERM, at which Java writes the
# cache. Fails if an answer is not as expected, or if the cache can not be used.
set -euo pipefail
[ "${1:-}" != --help ] || {
  sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'
  exit 0
}

fail() {
  echo "train.sh: $*" >&2
  exit 1
}
folder=$1 cache=$2
case $(uname -m) in
  x86_64) server=$(echo "$folder"/redis-server-*-linux-amd64) ;;
  aarch64) server=$(echo "$folder"/redis-server-*-linux-arm64) ;;
  *) fail "there is no Redis for this machine ($(uname -m))" ;;
esac
url=http://127.0.0.1:5000
java=(/runtime/bin/java @/app/java.options)
start() {
  "${java[@]}" "$@" -jar /app/tally.jar --host 127.0.0.1 --stop-announce 0s >/tmp/tally.log 2>&1 &
  service=$!
}
ready() {
  for _ in $(seq 150); do
    ! curl -sf -o /dev/null "$url/health" || return 0
    sleep 0.1
  done
  cat /tmp/tally.log >&2
  fail "the service did not start"
}
end() {
  kill -TERM "$service"
  wait "$service" || [ $? = 143 ]
}
# So many requests over one connection, each of which must get that status.
ask() { # STATUS TIMES PATH [OPTION…]
  local status=$1 times=$2 path=$3 said
  shift 3
  said=$(curl -s -o /dev/null -w '%{http_code}\n' -A Mozilla "$@" "$url$path#[1-$times]" | sort |
    uniq -c | tr -s ' ')
  [ "$said" = " $times $status" ] || fail "$path answered$said instead of $times times $status"
}

chmod +x "$server"
"$server" --port 6379 --bind 127.0.0.1 --dir /tmp --save "" >/tmp/redis.log 2>&1 &
redis=$!

# The image has no jspawnhelper, by which Java would start the process that assembles the cache.
start "-XX:AOTCacheOutput=$cache" -Djdk.lang.Process.launchMechanism=FORK
ready
# counter:begin requests
cookie=tally-session=$(curl -s -i -A Mozilla -H 'Accept: text/html' "$url/" |
  sed -n 's/^[Ss]et-[Cc]ookie: tally-session=\([0-9a-f]*\).*/\1/p')
# A little is enough: the cache holds the classes that each address needs, and no profiles
# (conf/java.options).
ask 200 10 / -H 'X-Request-Id: train'
ask 200 2 / -H 'Accept: text/html' -b "$cookie"
ask 200 2 /api/visits
ask 200 2 /api/visits/train -X POST
ask 200 2 /api/visits/train
ask 200 2 '/badge/train.svg?label=hits&color=blue'
ask 200 2 /badge/total.svg
ask 200 2 '/badge/train.json?count&show=both&format=1.2k'
ask 200 2 /badge/train.svg -I
ask 400 2 '/badge/train.svg?color=none'
ask 200 2 /api/stats
ask 200 2 /api/session -X PUT -H 'Content-Type: application/json' -d '{"theme":"dark"}' -b "$cookie"
ask 200 2 /api/session -b "$cookie"
# counter:end
ask 200 2 /health
ask 200 2 /health/live
ask 200 2 /metrics
ask 200 1 /openapi.yaml
ask 200 1 /static/icon.svg
ask 404 2 /no/such
ask 405 1 /health -X DELETE
# counter:begin
ask 400 1 /api/visits/-train -X POST
curl -s -N -m 0.3 -o /dev/null "$url/api/events" || [ $? = 28 ]
ask 204 1 /api/session -X DELETE -b "$cookie"
# counter:end
end
if [ ! -e "$cache" ]; then
  grep -v 'warning' /tmp/tally.log >&2
  fail "Java wrote no cache"
fi

# Java only says so when asked: a cache that it can not use it leaves alone.
start "-XX:AOTCache=$cache" -XX:AOTMode=on
ready
end
kill "$redis"
