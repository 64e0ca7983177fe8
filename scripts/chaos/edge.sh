# shellcheck shell=bash
# Bad days of the edge: what comes from outside, and Nginx itself.
all+=" nginx-restarted slow-clients crowds open-pages overload bad-input"

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
  "$java" -cp "$classes" tally.load.SlowClients "$port" 500 100 $((seconds + 10)) >"$work/slow" 2>&1 & local slow=$!
  sleep 3
  start_load
  wait_load
  wait "$slow" || problems="$problems; the slow clients: $(tail -n 1 "$work/slow")"
  say "beside $(tail -n 1 "$work/slow")"
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  expect "longest wait, ms" "$longest" -le 2000
}

# Clients who hold on to what they have, in Nginx' own network, where each of their addresses counts as one client.
start_crowd() { # KIND CONNECTIONS ADDRESSES BYTES SECONDS
  docker run --rm -u 0 --network "container:$(container nginx)" -v "$PWD/target/load:/crowd:ro" --ulimit nofile=16384 \
    --entrypoint /runtime/bin/java "$(docker inspect --format '{{.Image}}' "$(container app)")" -cp /crowd tally.load.Crowd \
    "$1" 8080 "$2" "$3" "$4" "$5" >"$work/crowd" 2>&1 &
  crowd=$!
}
# Waits for them; sets memory, the most that Nginx took of its limit, in percent.
wait_crowd() {
  local now
  memory=0
  while kill -0 "$crowd" 2>/dev/null; do
    now=$(docker stats --no-stream --format '{{.MemPerc}}' "$(container nginx)" | cut -d. -f1)
    [ "${now:-0}" -le "$memory" ] || memory=$now
  done
}
workers_that_died() { docker compose logs --since "$1" nginx 2>&1 | grep -c 'exited on signal'; }

crowds() {
  local kind since
  since=$(date +%s)
  # One address and many; what never ends, of every size, and what nobody reads.
  local kinds_of_crowd=("headers 9000 1 4000" "headers 9000 200 8000" "lines 9000 1 4000" "mixed 9000 200 7400" "bodies 3000 200 60000" "unread 3000 100 0")
  [ -n "$short" ] || kinds_of_crowd+=("headers 9000 1 1" "headers 9000 200 500" "bodies 3000 1 900")
  for kind in "${kinds_of_crowd[@]}"; do
    # shellcheck disable=SC2086 # its words
    start_crowd $kind $((seconds + 4))
    start_load
    wait_load
    wait_crowd
    say "beside $kind (kind, connections, addresses, bytes): memory at most $memory % of its limit; $(head -c 120 "$work/crowd")"
    nothing_failed
    expect "counted" "$counted" -eq "$answers"
    expect "memory, % of its limit" "$memory" -le 90
  done
  # Others who want to keep something in a session meanwhile.
  start_crowd bodies 3000 5 60000 6
  sleep 3
  expect "a session beside 80 bodies that never end" "$(curl -s -o /dev/null -m 5 -w '%{http_code}' -X PUT -H 'Content-Type: application/json' -d '{"a":"b"}' "$url/api/session")" -eq 200
  wait_crowd
  expect "workers of Nginx' that died" "$(workers_that_died "$since")" -eq 0
}

open-pages() {
  local since promised=5000 round
  since=$(date +%s)
  promised=$(sed -n 's/.*limit_conn open_pages \([0-9]*\);.*/\1/p' nginx.conf)
  # Twice, so that all of them come at once while those before them have just left.
  for round in 1 2; do
    start_crowd pages $((promised + 500)) 100 0 30
    wait_crowd
    say "$((promised + 500)) pages at once, time $round: $(head -c 200 "$work/crowd"); memory at most $memory % of its limit"
    [ "$(cat "$work/crowd")" = "{200=$promised, 503=500}" ] || problems="$problems; pages by how they ended: $(head -c 200 "$work/crowd")"
    expect "memory, % of its limit" "$memory" -le 90
  done
  expect "workers of Nginx' that died" "$(workers_that_died "$since")" -eq 0
  expect "what the app promises" "$(docker compose exec -T app java -jar /app/tally.jar --print-config | sed -n 's/^events.max-clients = \([0-9]*\).*/\1/p')" -eq "$promised"
  expect "promises on the page" "$(grep -c '5,000 open pages' src/docs/performance.md)" -ge 1
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
    "$java" -cp "$classes" tally.load.BadInput $side $((hostile / 2)) "${SEED:-$RANDOM}" >"$work/bad" 2>&1 || problems="$problems; to $side: $(tail -n +2 "$work/bad" | tr '\n' '|')"
    say "to $side: $(head -n 1 "$work/bad")"
  done
  memory+=("$(docker exec "$app" cat /proc/1/status | awk '/^VmRSS/ { print int($2 / 1024) }')")
  say "resident ${memory[0]} MB before, ${memory[1]} MB after; $keys keys before, $(redis_as operator dbsize) after"
  # Room for garbage that was not collected yet.
  expect "memory it grew by, MB" $((memory[1] - memory[0])) -le 100
  expect "new keys" $(($(redis_as operator dbsize) - keys)) -le 10
  expect "/health" "$(status "$url/health")" -eq 200
}
