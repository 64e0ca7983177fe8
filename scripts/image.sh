#!/usr/bin/env bash
# image.sh [--quick]: what the app's image costs, part by part, against conf/budgets.env; one TAP
# line for each budget.
#
# For the image of the compose project here (docker compose build app). Starts it, a Redis and the
# same jar on the JDK that it was built with, each in containers of its own, on 127.0.0.1; all of
# them go at the end. Needs wrk (your system's package wrk). The load takes a minute; with --quick
# 15 seconds, which is too short to see memory creep.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

seconds=60
case ${1:-} in
  --quick) seconds=15 ;;
  "") ;;
  *) misuse "unknown argument $1; see --help" ;;
esac
cd "$(dirname "$0")/.."
# shellcheck source=conf/budgets.env disable=SC1091
. conf/budgets.env
. scripts/lib/stack.sh
. scripts/lib/tap.sh
image=$(setting services app image) jdk=${MAVEN_IMAGE:-maven:3.9-eclipse-temurin-25}
command -v wrk >/dev/null ||
  fail "wrk is not installed. Debian and Ubuntu: apt-get install wrk; macOS: brew install wrk"
docker image inspect "$image" >/dev/null 2>&1 ||
  fail "there is no image $image; docker compose build app"

work=$(mktemp -d) network=tally-image-$$ containers=()
end() {
  [ ${#containers[@]} = 0 ] || docker rm -fv "${containers[@]}" >/dev/null 2>&1 || true
  docker network rm "$network" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap end EXIT

at_most() { # FIGURE MOST, of which neither need be whole
  awk -v figure="$1" -v most="$2" 'BEGIN { exit !(figure + 0 <= most + 0) }'
}
megabytes() {
  awk '{ printf "%.1f", $1 / 1000000 }'
}
within_budget() { # WHAT FIGURE MOST [UNIT]
  local claim="$1: $2${4:-}, at most $3${4:-}"
  if at_most "$2" "$3"; then
    tap_ok "$claim"
  else
    tap_not_ok "$claim"
  fi
}
same() { # WHAT ONE OTHER
  if [ "$2" = "$3" ]; then
    tap_ok "$1: $2"
  else
    tap_not_ok "$1: $2, but $3"
  fi
}
# Starts a container whose port 5000 is $port here.
run() { # OPTION… IMAGE ARGUMENT…
  container=$(docker run -d --network "$network" -p 127.0.0.1::5000 -e REDIS_HOST=redis "$@")
  containers+=("$container")
  port=$(docker port "$container" 5000 | sed 's/.*://')
}
gone() {
  docker rm -fv "$container" >/dev/null
}
health() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /health HTTP/1.0\r\n\r\n' >&3
    timeout 2 cat <&3
  ) 2>/dev/null
}
answers() {
  [[ $(health | head -n 1 || true) = *" 200 "* ]]
}
await() {
  local deadline=$((SECONDS + 60))
  until answers; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      docker logs --tail 20 "$container" >&2
      fail "no answer within a minute"
    fi
    sleep 0.01
  done
}
# Milliseconds from the start of the process to the first 200.
start_time() { # RUN-ARGUMENT…
  local began took
  run "$@"
  await
  took=$(date +%s%N)
  began=$(date -d "$(docker inspect --format '{{.State.StartedAt}}' "$container")" +%s%N)
  gone
  echo $(((took - began) / 1000000))
}
least() { # FILE, of figures
  sort -n "$1" | head -n 1
}
resident() { # MB
  docker exec "$container" cat /proc/1/status |
    awk '/^VmRSS/ { printf "%d", $2 * 1024 / 1000000 }'
}

# ---- sizes ----

tap_say "layer by layer, the last first"
docker history --no-trunc --format '{{.Size}} {{.CreatedBy}}' "$image" |
  awk '$1 != "0B" { printf "#   %-8s %s\n", $1, substr($0, length($1) + 2, 60) }'
tap_say "the parts"
parts=$(docker create "$image")
containers+=("$parts")
docker cp -q "$parts:/" - | tar -C "$work" -x 2>/dev/null || true
whole=$(docker image inspect --format '{{.Size}}' "$image") rest=0
while read -r bytes file; do
  if [ "$bytes" -ge 1000000 ]; then
    awk -v bytes="$bytes" -v file="$file" \
      'BEGIN { printf "#   %-44s %6.1f MB\n", file, bytes / 1000000 }'
  else
    rest=$((rest + bytes))
  fi
  whole=$((whole - bytes))
done < <(find "$work" -type f -printf '%s %P\n' | sort -rn)
awk -v rest="$rest" \
  'BEGIN { printf "#   %-44s %6.1f MB\n", "files of less than 1 MB, together", rest / 1000000 }'
within_budget "what no file accounts for" "$(megabytes <<<"$whole")" 1 " MB"
on_disk=$(docker image inspect --format '{{.Size}}' "$image" | megabytes)
within_budget "the image on disk" "$on_disk" "$DISK_MB" " MB"
compressed=$(docker save "$image" | gzip -6 | wc -c | megabytes)
within_budget "the image compressed" "$compressed" "$COMPRESSED_MB" " MB"

# ---- the cache: used, and of this very jar ----

docker network create "$network" >/dev/null
redis=$(docker run -d --network "$network" --network-alias redis "${REDIS_IMAGE:-redis:8-alpine}" \
  redis-server --save "" --protected-mode no)
containers+=("$redis")
run -e JDK_JAVA_OPTIONS=-XX:AOTMode=on "$image"
await
revision=$(health | sed -n 's/.*"revision":"\([^"]*\)".*/\1/p')
gone
of_the_jar=$(docker run --rm -e JDK_JAVA_OPTIONS=-XX:AOTMode=off "$image" --version 2>/dev/null |
  sed 's/.*revision //')
same "Java insists on the cache, and serves the revision of the jar" "$revision" "$of_the_jar"
label='{{index .Config.Labels "org.opencontainers.image.revision"}}'
same "the image's label says so, too" "$revision" \
  "$(docker image inspect --format "$label" "$image")"

# ---- start ----

full=(-v "$work/app:/app:ro" --entrypoint java "$jdk")
for cpus in 1 0.5; do
  rm -f "$work/start-image" "$work/start-full"
  # The best of all counts, since what disturbs only makes it longer. Where that is too much, the
  # machine gets another chance.
  for _ in 1 2; do
    # In turn, since the machine may be slower for a while.
    for _ in 1 2 3 4 5; do
      start_time --cpus "$cpus" -m 512m "$image" >>"$work/start-image"
      start_time --cpus "$cpus" -m 512m "${full[@]}" -XX:+UseSerialGC \
        -jar /app/tally.jar >>"$work/start-full"
    done
    ratio=$(awk -v one="$(least "$work/start-image")" -v other="$(least "$work/start-full")" \
      'BEGIN { printf "%.2f", one / other }')
    ! at_most "$ratio" "$START_RATIO" || break
  done
  tap_say "start on $cpus cores, ms: $(paste -sd' ' "$work/start-image");" \
    "on the full JDK: $(paste -sd' ' "$work/start-full")"
  within_budget "start on $cpus cores, against a full JDK without a cache" "$ratio" "$START_RATIO"
done

# ---- memory ----

run -m 512m "$image"
await
within_budget "resident once it answers" "$(resident)" "$START_MB" " MB"
wrk -t1 -c64 -d"$seconds" "http://127.0.0.1:$port/" >"$work/wrk"
tap_say "$(awk '/^Requests\/sec/ { print $2 }' "$work/wrk") requests a second"
within_budget "resident after $seconds s at 64 connections" "$(resident)" "$LOAD_MB" " MB"
gone
run -m "${SMALLEST_MB}m" --memory-swap "${SMALLEST_MB}m" "$image"
await
wrk -t1 -c64 -d5 "http://127.0.0.1:$port/" >"$work/wrk"
same "in a container of $SMALLEST_MB MB it works under load: what failed" \
  "$(grep -ci -e 'Non-2xx' -e 'Socket errors' "$work/wrk") lines" "0 lines"
same "and it was not killed for its memory" \
  "$(docker inspect --format '{{.State.OOMKilled}} {{.State.Status}}' "$container")" "false running"

# ---- what src/docs/performance.md says of it ----

for budget in "on disk | $DISK_MB MB" "compressed | $COMPRESSED_MB MB" \
  "full JDK without a cache | $START_RATIO" "once it answers | $START_MB MB" \
  "64 connections | $LOAD_MB MB" "works in | $SMALLEST_MB MB"; do
  same "the page quotes: $budget" "$(grep -cF "$budget" src/docs/performance.md)" 1
done

tap_plan
if [ "$tap_failed" != 0 ]; then
  tap_say "$tap_failed of $tap_number are over budget"
  exit 1
fi
