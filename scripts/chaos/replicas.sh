# shellcheck shell=bash
# Bad days of the app: replicas that die and hang.
all+=" replica-killed replica-hung replica-hung-alone"

replica-killed() {
  scale 3
  begin_load
  local victim
  victim=$(container app)
  docker kill -s KILL "$victim" >/dev/null
  end_load
  docker start "$victim" >/dev/null
  expect_no_failure
  expect_counted -eq
}

# Below, about and above what Nginx waits for and what a request id is remembered for.
seconds_of_hanging() {
  if [ -n "$short" ]; then
    echo 16
  else
    echo 3 8 16 35 70
  fi
}

replica-hung() {
  scale 3
  local hang victim
  for hang in $(seconds_of_hanging); do
    victim=$(container app)
    begin_load $((hang + 8))
    docker kill -s STOP "$victim" >/dev/null
    sleep "$hang"
    # What it had taken it answers or refuses now, to nobody: another replica was asked the same.
    docker kill -s CONT "$victim" >/dev/null
    end_load
    tap_say "one of three hung for $hang s"
    expect_no_failure
    expect_counted -eq
    # Or it did not hang.
    expect "longest wait, ms" "${load[longest]}" -ge 2500
    expect "longest wait, ms" "${load[longest]}" -le 8000
  done
}

# The only one, with a visit that Redis counts while it hangs.
replica-hung-alone() {
  scale 1
  local hang victim redis before asked code took grown
  victim=$(container app) redis=$(container redis)
  for hang in $(seconds_of_hanging); do
    wait_until_counted
    before=$(total)
    docker pause "$redis" >/dev/null
    curl -s -m 60 -o "$work/answer" -w '%{http_code} %{time_total}' "$url/" >"$work/code" &
    asked=$!
    sleep 0.25
    docker kill -s STOP "$victim" >/dev/null
    docker unpause "$redis" >/dev/null
    sleep "$hang"
    docker kill -s CONT "$victim" >/dev/null
    wait "$asked"
    read -r code took <"$work/code"
    wait_until_counted
    grown=$(($(total) - before - 1))
    tap_say "the only replica hung for $hang s: $code after $took s, $grown counted"
    case $code in
      200)
        expect "counted" "$grown" -eq 1
        expect "its number" "$(grep -o '[0-9]*' "$work/answer")" -eq $((before + 1))
        ;;
      502 | 503 | 504) expect "counted" "$grown" -le 1 ;;
      *) problem "the answer was $code" ;;
    esac
    expect "its wait, s" "${took%.*}" -lt 30
  done
}
