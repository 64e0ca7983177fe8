# shellcheck shell=bash
# Bad days of the edge: what comes from outside, and Nginx itself.
all+=" nginx-restarted slow-clients crowds open-pages overload bad-input"

nginx-restarted() {
  begin_load $((seconds + 4))
  for _ in 1 2 3; do
    docker compose exec -T nginx nginx -s reload 2>/dev/null
    sleep 1
  done
  end_load
  tap_say "that was with three reloads"
  expect_no_failure
  expect_counted -eq
  begin_load $((seconds + 4))
  docker compose restart nginx >/dev/null 2>&1
  end_load
  tap_say "that was with a restart"
  expect_each_number_once
  [[ ${load[kinds]} != *status* ]] || problem "answers other than 200: ${load[kinds]}"
  # Those whose answer was on its way when the connection ended.
  expect "counted without an answer" $((load[counted] - load[answers])) -le "$connections"
  expect "answered without being counted" $((load[answers] - load[counted])) -le 0
}

slow-clients() {
  local slow
  "$java" -cp "$classes" tally.load.SlowClients "$port" 500 100 $((seconds + 10)) \
    >"$work/slow" 2>&1 &
  slow=$!
  sleep 3
  begin_load
  end_load
  wait "$slow" || problem "the slow clients went wrong"
  tap_say "beside $(tail -n 1 "$work/slow")"
  expect_no_failure
  expect_counted -eq
  expect "longest wait, ms" "${load[longest]}" -le 2000
}

begin_crowd() { # KIND CONNECTIONS ADDRESSES BYTES SECONDS
  crowd "$1" 8080 "${@:2}" >"$work/crowd" 2>&1 &
  crowd=$!
}
# The end of a crowd: Nginx has to have room beside it.
end_crowd() { # WHAT-IT-WAS
  local memory
  memory=$(memory_peak_beside "$crowd" nginx)
  tap_say "$1: memory at most $memory % of its limit; $(head -c 200 "$work/crowd")"
  expect "memory, % of its limit" "$memory" -le 90
}
expect_no_worker_died() { # SINCE
  expect "workers of Nginx' that died" \
    "$(docker compose logs --since "$1" nginx 2>&1 | grep -c 'exited on signal')" -eq 0
}

crowds() {
  local kind kinds since
  since=$(date +%s)
  # One address and many; what never ends, of every size, and what nobody reads.
  kinds=(
    "headers 9000 1 4000" "headers 9000 200 8000" "lines 9000 1 4000" "mixed 9000 200 7400"
    "bodies 3000 200 60000" "unread 3000 100 0"
  )
  [ -n "$short" ] || kinds+=("headers 9000 1 1" "headers 9000 200 500" "bodies 3000 1 900")
  for kind in "${kinds[@]}"; do
    # shellcheck disable=SC2086 # its words
    begin_crowd $kind $((seconds + 4))
    begin_load
    end_load
    end_crowd "beside $kind (kind, connections, addresses, bytes)"
    expect_no_failure
    expect_counted -eq
  done
  # Others who want to keep something in a session meanwhile.
  begin_crowd bodies 3000 5 60000 6
  sleep 3
  expect "a session beside 80 bodies that never end" "$(code_of -X PUT \
    -H 'Content-Type: application/json' -d '{"a":"b"}' "$url/api/session")" -eq 200
  end_crowd "80 bodies that never end"
  expect_no_worker_died "$since"
}

open-pages() {
  local since promised round of_the_app
  since=$(date +%s)
  promised=$(sed -n 's/.*limit_conn open_pages \([0-9]*\);.*/\1/p' nginx.conf)
  # Twice, so that all of them come at once while those before them have just left.
  for round in 1 2; do
    begin_crowd pages $((promised + 500)) 100 0 30
    end_crowd "$((promised + 500)) pages at once, time $round"
    [ "$(cat "$work/crowd")" = "{200=$promised, 503=500}" ] ||
      problem "pages by how they ended: $(head -c 200 "$work/crowd")"
  done
  expect_no_worker_died "$since"
  of_the_app=$(inside app java -jar /app/tally.jar --print-config |
    sed -n 's/^events.max-clients = \([0-9]*\).*/\1/p')
  expect "what the app promises" "$of_the_app" -eq "$promised"
  expect "promises on the page" "$(grep -c '5,000 open pages' src/docs/performance.md)" -ge 1
}

overload() {
  # Long enough that to connect, and to compile the client's own code, is a small part of it.
  local peak opened share=0 memory seconds=$((seconds < 8 ? 8 : seconds))
  local many=$((10 * connections))
  # Throughput that collapses does so each time; a busy machine does not.
  for _ in 1 2 3; do
    begin_load
    end_load
    peak=${load[rate]}
    opened=$(connections_taken)
    begin_load "$seconds" "$many"
    memory=$(memory_peak_beside "${load[process]}" app)
    end_load
    expect_only_status '429|503'
    tap_say "peak $peak a second at $connections connections, ${load[rate]} at $many;" \
      "memory at most $memory % of its limit"
    opened=$(($(connections_taken) - opened))
    share=$((100 * load[rate] / (peak + 1)))
    [ "$share" -lt 80 ] || break
  done
  # One for each request that finds none free would leave Nginx without a port before long.
  expect "connections to the app for ${load[answers]} visits" "$opened" -le $((20 * connections))
  expect "throughput, % of its peak, three times" "$share" -ge 80
  docker compose ps -q app | while read -r replica; do
    docker inspect --format '{{.State.OOMKilled}} {{.RestartCount}}' "$replica"
  done >"$work/killed"
  expect "replicas that were killed for their memory" "$(grep -vc '^false 0$' "$work/killed")" -eq 0
  begin_load 4
  end_load
  tap_say "that was right after it"
  expect_no_failure
  # And one client alone that asks for more than it may, beside the others.
  begin_load
  local greedy refused counted
  greedy=$(curl -s -Z --parallel-max 50 -o /dev/null -w '%{http_code} %header{retry-after}\n' \
    "$url/?[1-3000]" 2>/dev/null | sort | uniq -c)
  refused=$(awk '$2 == 429 { n += $1 } END { print n + 0 }' <<<"$greedy")
  counted=$(awk '$2 == 200 { n += $1 } END { print n + 0 }' <<<"$greedy")
  # shellcheck disable=SC2154 # a name in an array
  load[others]=$((load[others] + counted))
  tap_say "one client beside them asked 3,000 times at once" \
    "and got $counted x 200, $refused x 429"
  end_load
  expect_no_failure
  expect_counted -eq
  expect "answers to that client other than 200, and 429 with Retry-After" \
    "$(awk '$2 == 200 || $2 == 429 && $3 == 1 { n += $1 } END { print 3000 - n }' <<<"$greedy")" \
    -eq 0
  expect "times that client was refused" "$refused" -gt 2000
}

resident() { # CONTAINER: MB of its first process
  docker exec "$1" cat /proc/1/status | awk '/^VmRSS/ { print int($2 / 1024) }'
}
bad-input() {
  local app keys new_keys before after side
  app=$(container app)
  keys=$(redis_as operator dbsize)
  before=$(resident "$app")
  for side in "127.0.0.1 $port" "$(address_of "$app") 5000"; do
    if [ "$(code_of "http://${side/ /:}/health/live")" != 200 ]; then
      skip "to the app itself: its address can't be reached from here"
      continue
    fi
    # shellcheck disable=SC2086 # host and port
    "$java" -cp "$classes" tally.load.BadInput $side $((hostile / 2)) "${SEED:-$RANDOM}" \
      >"$work/bad" 2>&1 || problem "to $side: $(tail -n +2 "$work/bad" | tr '\n' '|')"
    tap_say "to $side: $(head -n 1 "$work/bad")"
  done
  after=$(resident "$app")
  new_keys=$(($(redis_as operator dbsize) - keys))
  tap_say "resident $before MB before, $after MB after; $keys keys before, $new_keys new ones after"
  # Room for garbage that was not collected yet.
  expect "memory it grew by, MB" $((after - before)) -le 100
  expect "new keys" "$new_keys" -le 10
  expect "/health" "$(code_of "$url/health")" -eq 200
}
