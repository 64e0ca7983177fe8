# shellcheck shell=bash
# Visitors, while something goes wrong: begin_load, the bad day, end_load, and what is expected.

# Of the load that ran last: answers, distinct (numbers), failed, kinds (of failures), longest (wait
# in ms), counted (what Redis says the total grew by), rate. Others are visits not of the load.
declare -A load=([others]=0 [process]="")

begin_load() { # [SECONDS [CONNECTIONS]]
  load=([seconds]=${1:-$seconds} [others]=0 [before]=$(total))
  "$java" -cp "$classes" tally.load.Load "$url/" "${2:-$connections}" "${load[seconds]}s" \
    >"$work/load" 2>&1 &
  load[process]=$!
  sleep 2
}
end_load() {
  local said form how=""
  form='^([0-9]+) answers, ([0-9]+) distinct numbers, ([0-9]+) failures (.*),'
  form+=' longest wait ([0-9]+) ms'
  wait "${load[process]}" || true
  load[process]=""
  said=$(cat "$work/load")
  if [[ $said =~ $form ]]; then
    load[answers]=${BASH_REMATCH[1]} load[distinct]=${BASH_REMATCH[2]}
    load[failed]=${BASH_REMATCH[3]} load[kinds]=${BASH_REMATCH[4]}
    load[longest]=${BASH_REMATCH[5]}
  else
    problem "the load broke off: ${said:0:300}"
    load[answers]=0 load[distinct]=0 load[failed]=0 load[kinds]="" load[longest]=0
  fi
  wait_until_counted
  load[counted]=$(($(total) - load[before] - load[others]))
  load[rate]=$((load[answers] / load[seconds]))
  [ "${load[failed]}" = 0 ] || how=" (${load[kinds]//[\{\}]/})"
  tap_say "${load[answers]} visits answered (${load[rate]} a second), ${load[failed]} failed$how;" \
    "longest wait ${load[longest]} ms; counted ${load[counted]}"
}
stop_load() {
  [ -z "${load[process]}" ] || kill "${load[process]}" 2>/dev/null
}
# A visit of another client: it is counted, and not the load's.
visit_counts() {
  [ "$(code_of "$url/")" = 200 ]
}
wait_until_counted() {
  local end=$(($(millis) + 60000))
  until visit_counts; do
    if [ "$(millis)" -ge "$end" ]; then
      problem "no recovery within a minute"
      break
    fi
    sleep 0.05
  done
  load[others]=$((load[others] + 1))
}
# Visits have to be counted again at once.
expect_recovery() { # AFTER-WHAT
  local began took
  began=$(millis)
  wait_until_counted
  took=$(($(millis) - began))
  tap_say "counts again $took ms after $1"
  expect "recovery, ms" "$took" -le 2000
}

# ---- what is expected of it ----

expect_no_failure() {
  expect "failed" "${load[failed]}" -eq 0
  expect_each_number_once
}
expect_each_number_once() {
  expect "numbers given twice" $((load[answers] - load[distinct])) -eq 0
}
# -ge where one may be counted while its answer is lost: it is a 503 to its client, and comes again
# under a new name.
expect_counted() { # -eq|-ge what was answered
  expect "counted" "${load[counted]}" "$1" "${load[answers]}"
}
# What can't be counted is refused in words that say to come again, and soon.
expect_only_status() { # STATUS|STATUS…
  local other
  other=$(sed -E "s/[{}]//g; s/status ($1)=[0-9]*//g; s/[ ,]//g" <<<"${load[kinds]}")
  [ -z "$other" ] || problem "other answers than 200, and $1 with Retry-After: ${load[kinds]}"
}
# A fault of Redis.
expect_only_503() { # [LONGEST-WAIT, MS]
  expect_only_status 503
  expect "longest wait, ms" "${load[longest]}" -le "${1:-2000}"
}
