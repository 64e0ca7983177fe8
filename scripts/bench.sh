#!/usr/bin/env bash
# bench.sh [--quick | --sse]: what counting costs, as a table; every ratio from alternating rounds
# of one run.
#
# Sets ways of counting against each other on this machine: none (a number in memory), incr (one
# call to Redis for each visit), group (Tally as it is: waiting visits share a call); for a lone
# client also script (Tally's script, called for each visit). 64 connections, straight to the
# service and, where Docker is, through Nginx as well; there the ceiling is Nginx before another
# Nginx that returns a constant. Needs wrk (your system's package wrk). Three rounds of 10 s;
# --quick: of 4 s.
# The load goes to 127.0.0.1 alone. At the end 20,000 visits are checked one by one: all numbers
# distinct, the total grown by just as many.
# --sse instead opens 5,000 live pages on one service with the heap of a 512 MB container, and says
# what they cost.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

seconds=10 sse=""
case ${1:-} in
  --sse) sse=yes ;;
  --quick) seconds=4 ;;
  "") ;;
  *) misuse "unknown argument $1; see --help" ;;
esac
rounds=3 connections=64

cd "$(dirname "$0")/.."
. scripts/lib/ports.sh
. scripts/lib/wait.sh
[ -n "$sse" ] || command -v wrk >/dev/null ||
  fail "wrk is not installed. Debian and Ubuntu: apt-get install wrk; macOS: brew install wrk"
java=$(scripts/java.sh)
classes=$(scripts/load.sh)
redis=$("$java" -cp "target/lib/*:target/test-lib/*" src/dev/java/tally/dev/LocalRedis.java)

work=$(mktemp -d)
pids=() containers=()
end() {
  [ ${#containers[@]} = 0 ] || docker rm -f "${containers[@]}" >/dev/null 2>&1 || true
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

wait_for() { # PORT
  if ! within 20 port_answers "$1"; then
    cat "$work"/*.log >&2
    fail "nothing answers on port $1"
  fi
}
resident() { # PROCESS: MB
  awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$1/status"
}

redis_port=$(free_port 17000)
"$redis" --port "$redis_port" --bind 127.0.0.1 --dir "$work" --appendonly yes \
  --appendfsync everysec --save "" >"$work/redis.log" 2>&1 &
redis_pid=$!
pids+=("$redis_pid")
wait_for "$redis_port"

if [ -n "$sse" ]; then
  pages=5000
  ulimit -n $((pages + 2000))
  port=$(free_port 18000)
  # What the image's MaxRAMPercentage makes of 512 MB.
  "$java" -XX:+UseSerialGC -Xmx307m -jar target/tally.jar --host 127.0.0.1 --port "$port" \
    --redis-port "$redis_port" --events-max-clients "$pages" >"$work/tally.log" 2>&1 &
  tally=$!
  pids+=("$tally")
  wait_for "$port"
  before=$(resident "$tally")
  "$java" -Xmx256m -cp "$classes" tally.load.OpenPages "$port" "$pages" 20 &
  clients=$!
  pids+=("$clients")
  most=0
  while kill -0 "$clients" 2>/dev/null; do
    now=$(resident "$tally")
    [ "$now" -le "$most" ] || most=$now
    sleep 0.5
  done
  wait "$clients"
  echo "memory: $before MB before, at most $most MB with $pages pages" \
    "($(((most - before) * 1024 / pages)) KB each)"
  [ "$most" -le 512 ]
  exit
fi

# The image's options, the one processor that Java sees in the app's container, and one heap and
# pool for all, so that they differ in counting alone.
declare -A port pid
next=18000
for variant in none incr script group; do
  port[$variant]=$(free_port "$next")
  next=$((${port[$variant]} + 1))
  "$java" @conf/java.options -XX:ActiveProcessorCount=1 -Xmx256m -cp "$classes" tally.load.Variant \
    "$variant" --host 127.0.0.1 --port "${port[$variant]}" --redis-port "$redis_port" \
    --redis-pool-size "$connections" >"$work/$variant.log" 2>&1 &
  pid[$variant]=$!
  pids+=($!)
done
for variant in none incr script group; do
  wait_for "${port[$variant]}"
done

# Through Nginx: the project's own configuration, with the variants as servers and no rate limit.
edges=(direct)
start_nginx() { # NAME PORT
  local container
  container=$(docker run -d --network host --user 101:101 \
    -v "$work/$1.conf:/etc/nginx/nginx.conf:ro" "${NGINX_IMAGE:-nginx:1.30-alpine}") || return
  containers+=("$container")
  wait_for "$2"
}
if docker info >/dev/null 2>&1; then
  edge_port=$(free_port 19000) port[ceiling]=$(free_port 19500)
  {
    # shellcheck disable=SC2016 # variables of Nginx'
    sed -e '/^ *resolver/d' -e '/include \/tmp\/start/d' -e '/^  map "$from_proxy/,/^  }/d' \
      -e 's/$client_scheme/$scheme/' -e '/include \/etc\/nginx\/environment/d' \
      -e '/^  upstream app {/,/^  }/d' -e '/^  server {/,$d' nginx.conf
    for variant in none incr group ceiling; do
      echo "upstream $variant { zone $variant 64k; server 127.0.0.1:${port[$variant]};"
      echo "keepalive 64; keepalive_requests 100000; }"
    done
    echo "server { listen 127.0.0.1:$edge_port; access_log off;"
    for variant in none incr group ceiling; do
      echo "location /$variant/ { proxy_pass http://$variant/; }"
    done
    echo "} }"
  } >"$work/edge.conf"
  # As cheap as an answer can be.
  cat >"$work/ceiling.conf" <<END
pid /tmp/nginx.pid;
worker_processes 1;
events {}
http {
  access_log off;
  keepalive_requests 1000000;
  default_type application/json;
  server {
    listen 127.0.0.1:${port[ceiling]};
    location / { return 200 '{"message":"Welcome to Tally","visits":1000000}'; }
  }
}
END
  chmod 0755 "$work"
  chmod 0644 "$work"/*.conf
  if start_nginx edge "$edge_port" && start_nginx ceiling "${port[ceiling]}"; then
    edges+=(nginx)
  fi
fi
[ ${#edges[@]} = 2 ] ||
  echo "# SKIPPED: through Nginx, since no Docker Engine answers or its image can't be had" >&2

calls_to_redis() { # EVALSHA and INCR, from Redis' own statistics
  (
    exec 5<>"/dev/tcp/127.0.0.1/$redis_port"
    printf 'INFO commandstats\r\nQUIT\r\n' >&5
    tr -d '\r' <&5
  ) | awk -F'[:=,]' '/^cmdstat_(evalsha|incr):/ { sum += $3 } END { print sum + 0 }'
}
ticks() { # PROCESS: of processor time
  awk '{ print $14 + $15 }' "/proc/$1/stat"
}
url() { # EDGE VARIANT
  if [ "$1" = direct ]; then
    echo "http://127.0.0.1:${port[$2]}/"
  else
    echo "http://127.0.0.1:$edge_port/$2/"
  fi
}

# Warm-up: the same work for each.
for variant in none incr script group; do
  wrk -t1 -c"$connections" -d"$seconds" "$(url direct "$variant")" >/dev/null
done

tick=$(getconf CLK_TCK)
measure() { # NAME EDGE VARIANT CONNECTIONS
  local calls cpu
  calls=$(calls_to_redis) cpu=$(ticks "${pid[$3]:-$$}")
  wrk -t1 -c"$4" -d"$seconds" --latency "$(url "$2" "$3")" >"$work/wrk"
  calls=$(($(calls_to_redis) - calls)) cpu=$(($(ticks "${pid[$3]:-$$}") - cpu))
  awk -v name="$1" -v variant="$3" -v calls="$calls" -v cpu="$cpu" -v tick="$tick" \
    -v rss="$(resident "${pid[$3]:-$$}")" '
    function millis(text) {
      return text ~ /us$/ ? text / 1000 : text ~ /ms$/ ? text + 0 : text * 1000
    }
    $1 == "50%" { p50 = millis($2) }
    $1 == "99%" { p99 = millis($2) }
    $2 == "requests" { requests = $1 }
    /^Requests\/sec/ { rate = $2 }
    /Non-2xx/ { bad = $NF }
    END {
      printf "%s %s %.0f %.2f %.2f ", name, variant, rate, p50, p99
      printf "%.3f %.4f %d %d\n", calls / requests, cpu / tick / requests * 1000, rss, bad
    }' "$work/wrk" >>"$work/results"
  echo "# round $round: $(tail -n 1 "$work/results")" >&2
}
for round in $(seq "$rounds"); do
  for edge in "${edges[@]}"; do
    for variant in none incr group; do
      measure "$edge" "$edge" "$variant" "$connections"
    done
    [ "$edge" = direct ] || measure "$edge" "$edge" ceiling "$connections"
  done
  # A single client: sharing calls must not make it wait. Its yardstick is the same script, called
  # for each visit.
  for variant in none incr script group; do
    measure lone direct "$variant" 1
  done
done

echo "Means of $rounds rounds of $seconds s, $connections connections, $(nproc) cores," \
  "$("$redis" --version | sed 's/ sha.*//')"
# The columns of a result: 3 rate, 4 and 5 waits, 6 calls, 7 processor time, 8 memory, 9 wrong ones.
awk '
  function mean(key, column) { return sum[key, column] / n[key] }
  function of_the_ceiling(variant) {
    return 100 * sum["nginx " variant, 3] / sum["nginx ceiling", 3]
  }
  {
    key = $1 " " $2
    if (!(key in n)) order[++keys] = key
    n[key]++
    for (i = 3; i <= 9; i++) sum[key, i] += $i
  }
  END {
    heading = "%-16s %8s %8s %8s %12s %12s %8s %8s\n"
    printf heading, "", "req/s", "p50 ms", "p99 ms", "Redis calls", "CPU s per", "memory", "to incr"
    printf heading, "", "", "", "", "per visit", "1,000 req", "MB", ""
    for (k = 1; k <= keys; k++) {
      key = order[k]
      split(key, part, " ")
      printf "%-16s %8.0f %8.2f %8.2f", key, mean(key, 3), mean(key, 4), mean(key, 5)
      if (part[2] != "ceiling") {
        printf " %12.3f %12.4f %8.0f", mean(key, 6), mean(key, 7), mean(key, 8)
        printf " %8.2f", sum[key, 3] / sum[part[1] " incr", 3]
      }
      print ""
      if (part[2] != "ceiling" && sum[key, 9] > 0) {
        printf "%s: %d answers were not 200\n", key, sum[key, 9]
        if (part[2] == "group") wrong = 1
      }
    }
    if (sum["nginx ceiling", 3]) {
      printf "Through Nginx, group reaches %.0f %% of the ceiling,", of_the_ceiling("group")
      printf " incr %.0f %%, none %.0f %%\n", of_the_ceiling("incr"), of_the_ceiling("none")
    }
    exit wrong
  }' "$work/results"

read_total() {
  curl -sS -m 10 "http://127.0.0.1:${port[group]}/api/visits" | grep -o '[0-9]*'
}
before=$(read_total)
"$java" -cp "$classes" tally.load.Load "http://127.0.0.1:${port[group]}/" "$connections" 20000
after=$(read_total)
echo "the total grew by $((after - before))"
[ $((after - before)) = 20000 ]
