#!/usr/bin/env bash
# run.sh [--data FOLDER] [--build|--dev] [FLAG…]: runs Tally without Docker, on a real Redis of its own.
#
# Builds what is stale, starts a Redis (the redis-server on the PATH, else one that a test library brings) on a free
# port of 127.0.0.1, and then Tally with your flags (see --help of the jar: java -jar target/tally.jar --help).
# The counts are kept in FOLDER (.data/redis here) until you remove it. Ctrl-C stops both, Tally first.
# --build builds and does no more. --dev runs the sources themselves, with conf/dev/app.conf: what you save is what runs,
# and TALLY_DEBUGGER=1 lets a debugger attach to 127.0.0.1:5005 (DEBUGGER_PORT).
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

here=$(cd "$(dirname "$0")/.." && pwd)
data=$here/.data/redis
build_only=
dev=
flags=()
while [ $# -gt 0 ]; do
  case $1 in
    --data) data=${2:?--data needs a folder}; shift ;;
    --build) build_only=yes ;;
    --dev) dev=yes ;;
    *) flags+=("$1") ;;
  esac
  shift
done

java=$("$here/scripts/java.sh")

jar=$here/target/tally.jar
sources=("$here/src" "$here/pom.xml")
run=(-jar "$jar")
if [ -n "$dev" ]; then
  # Only for the libraries: the sources are compiled as they run, and may be broken now.
  sources=("$here/pom.xml")
  run=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$here/target/lib/*" "$here/src/test/java/tally/Reload.java" "$here/src"
    --conf "$here/conf/dev/app.conf" --host 127.0.0.1)
  [ -z "${TALLY_DEBUGGER:-}" ] || run=("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:${DEBUGGER_PORT:-5005}" "${run[@]}")
fi
if [ ! -f "$jar" ] || [ ! -d "$here/target/test-classes" ] ||
  [ -n "$(find "${sources[@]}" -newer "$jar" -type f -print -quit)" ]; then
  command -v mvn >/dev/null || { echo "run.sh: Maven is needed to build (https://maven.apache.org, or your system's package maven)" >&2; exit 1; }
  echo "Building …" >&2
  mvn -B -q -f "$here/pom.xml" package -DskipTests >&2
  # Maven leaves a jar alone whose classes are the same.
  touch "$jar"
fi
[ -z "$build_only" ] || exit 0

mkdir -p "$data"
data=$(cd "$data" && pwd)
redis=$(cd "$here" && "$java" -cp "target/test-classes:target/lib/*:target/test-lib/*" tally.LocalRedis)

# Two Redis on one folder would write over each other.
lock=$data/lock
if ! mkdir "$lock" 2>/dev/null; then
  holder=$(cat "$lock/pid" 2>/dev/null || true)
  if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
    echo "run.sh: $data is in use by Redis, process $holder; name another folder with --data" >&2
    exit 1
  fi
fi

port=16379
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done

# Process groups of their own, so that Ctrl-C reaches this script alone, and Redis goes last.
set -m
"$redis" --port "$port" --bind 127.0.0.1 --dir "$data" --appendonly yes --appendfsync everysec \
  --save "3600 1 300 100 60 10000" --maxmemory-policy volatile-ttl --daemonize no >"$data/redis.log" 2>&1 &
redis_pid=$!
echo "$redis_pid" >"$lock/pid"
tally_pid=
# shellcheck disable=SC2317 # reached through the traps below
stop() {
  # Ignored from here on: who ends a whole group, or presses Ctrl-C again, must not leave Redis and the lock behind.
  trap - EXIT
  trap '' INT TERM
  for pid in $tally_pid $redis_pid; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$lock"
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM
trap stop EXIT

for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  kill -0 "$redis_pid" 2>/dev/null || { tail -n 5 "$data/redis.log" >&2; echo "run.sh: Redis did not start" >&2; exit 1; }
  sleep 0.1
done
echo "Redis: $redis on 127.0.0.1:$port, data in $data" >&2

"$java" "${run[@]}" --redis-host 127.0.0.1 --redis-port "$port" "${flags[@]}" &
tally_pid=$!
status=0
wait "$tally_pid" || status=$?
exit "$status"
