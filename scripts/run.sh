#!/usr/bin/env bash
# run.sh [--data FOLDER] [--build|--dev] [FLAG…]: runs Tally without Docker, on a real Redis of its
# own.
#
# Builds what is stale, starts a Redis (the redis-server on the PATH, else one that a test library
# brings) on a free port of 127.0.0.1, and then Tally with your flags (java -jar target/tally.jar
# --help lists them), on 127.0.0.1 alone unless --host says otherwise. The counts are kept in FOLDER
# (.data/redis here) until you remove it; an older Redis than the one that wrote them is refused.
# Ctrl-C stops both, Tally first.
# --build builds and does no more. --dev runs the sources themselves, with conf/dev/app.conf: what
# you save is what runs, and TALLY_DEBUGGER=1 lets a debugger attach to 127.0.0.1:5005
# (DEBUGGER_PORT).
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

# Java reads the names of files by it, and knows no umlauts in C.
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")/.." && pwd)
data=$here/.data/redis
build_only="" dev="" flags=()
while [ $# -gt 0 ]; do
  case $1 in
    --data)
      data=${2:?--data needs a folder}
      shift
      ;;
    --build) build_only=yes ;;
    --dev) dev=yes ;;
    *) flags+=("$1") ;;
  esac
  shift
done

java=$("$here/scripts/java.sh")

jar=$here/target/tally.jar
sources=("$here/src" "$here/pom.xml")
run=(-jar "$jar" --host 127.0.0.1)
if [ -n "$dev" ]; then
  # Only for the libraries: the sources are compiled as they run, and may be broken now.
  sources=("$here/pom.xml")
  run=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$here/target/lib/*:$here/target/test-lib/*"
    "$here/src/dev/java/tally/dev/Reload.java" "$here/src"
    --conf "$here/conf/dev/app.conf" --host 127.0.0.1)
  if [ -n "${TALLY_DEBUGGER:-}" ]; then
    debugger=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:${DEBUGGER_PORT:-5005}
    run=("-agentlib:jdwp=$debugger" "${run[@]}")
  fi
fi
if [ ! -f "$jar" ] || [ -n "$(find "${sources[@]}" -newer "$jar" -type f -print -quit)" ]; then
  command -v mvn >/dev/null ||
    fail "Maven is needed to build (https://maven.apache.org, or your system's package maven)"
  echo "Building …" >&2
  mvn -B -q -f "$here/pom.xml" package -Dmaven.test.skip=true >&2
  # Maven leaves a jar alone whose classes are the same.
  touch "$jar"
fi
[ -z "$build_only" ] || exit 0

mkdir -p "$data"
data=$(cd "$data" && pwd)
redis=$(cd "$here" &&
  "$java" -cp "target/lib/*:target/test-lib/*" src/dev/java/tally/dev/LocalRedis.java)

# Two Redis on one folder would write over each other. Redis holds the lock as well, Tally does not.
. "$here/scripts/lib/lock.sh"
in_use=$data/in-use
exec 9>>"$in_use"
if ! take 9; then
  # Whoever took it at this moment has not yet written who it is.
  for _ in $(seq 50); do
    holder=$(cat "$in_use")
    [ -z "$holder" ] || break
    sleep 0.1
  done
  fail "$data is in use by ${holder:-another process}; name another folder with --data"
fi
echo "run.sh, process $$" >"$in_use"

# An older Redis does not find what a newer one wrote, and would start with nothing.
version=$("$redis" --version | sed -n 's/.* v=\([0-9]*\.[0-9]*\)\..*/\1/p')
wrote=$(cat "$data/redis-version" 2>/dev/null || true)
if [ -z "$wrote" ] && [ -e "$data/appendonlydir" ]; then
  wrote=$(head -q -c 64 "$data"/appendonlydir/*.base.rdb | tr -c '0-9a-z.-' '\n' |
    sed -n '/^redis-ver/{n;s/^\([0-9]*\.[0-9]*\).*/\1/p;q;}')
  wrote=${wrote:-7.0}
fi
if [ -n "$wrote" ] &&
  [ "$(printf '%s\n' "$wrote" "$version" | sort -V | tail -n 1)" != "$version" ]; then
  fail "$data was written by Redis $wrote, and $redis is $version, which can't read it;" \
    "put a newer redis-server on the PATH"
fi
echo "$version" >"$data/redis-version"

. "$here/scripts/lib/ports.sh"
port=$(free_port 16379)

# Process groups of their own, so that Ctrl-C reaches this script alone, and Redis goes last.
set -m
: >"$data/redis.log"
DATA=$data REDIS=$redis CHECK=${redis%/*}/redis-check-aof "$here/scripts/redis.sh" --port "$port" \
  --bind 127.0.0.1 --dir "$data" --appendonly yes --appendfsync everysec \
  --save "3600 1 300 100 60 10000" --maxmemory-policy volatile-ttl \
  --daemonize no >>"$data/redis.log" 2>&1 &
redis_pid=$!
echo "run.sh, process $$, with Redis, process $redis_pid" >"$in_use"
tally_pid=
# shellcheck disable=SC2317 # reached through the traps below
stop() {
  # Ignored from here on: who ends a whole group, or presses Ctrl-C again, must not leave Redis
  # behind.
  trap - EXIT
  trap '' INT TERM
  for pid in $tally_pid $redis_pid; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM
trap stop EXIT

for _ in $(seq 300); do
  # Its own word: on the port there may be another.
  ! grep -q 'Ready to accept connections' "$data/redis.log" || break
  kill -0 "$redis_pid" 2>/dev/null || {
    tail -n 5 "$data/redis.log" >&2
    fail "Redis did not start"
  }
  sleep 0.1
done
echo "Redis: $redis on 127.0.0.1:$port, data in $data" >&2

"$java" "${run[@]}" --redis-host 127.0.0.1 --redis-port "$port" ${flags[@]+"${flags[@]}"} 9>&- &
tally_pid=$!
status=0
wait "$tally_pid" || status=$?
exit "$status"
