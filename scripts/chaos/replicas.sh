# shellcheck shell=bash
# Bad days of the app: replicas that die, hang, stop and are replaced.
all+=" replica-killed replica-hung replica-hung-alone rollout rollout-broken rollout-ill rollout-interrupted stop"

replica-killed() {
  scale 3
  start_load
  local victim; victim=$(container app)
  docker kill -s KILL "$victim" >/dev/null
  wait_load
  docker start "$victim" >/dev/null
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
}

# Below, about and above what Nginx waits for and what a request id is remembered for.
hangs() { if [ -n "$short" ]; then echo 16; else echo 3 8 16 35 70; fi; }

replica-hung() {
  scale 3
  local hang victim
  for hang in $(hangs); do
    victim=$(container app)
    start_load $((hang + 8))
    docker kill -s STOP "$victim" >/dev/null
    sleep "$hang"
    # What it had taken it answers or refuses now, to nobody: another replica was asked the same.
    docker kill -s CONT "$victim" >/dev/null
    wait_load
    say "one of three hung for $hang s"
    nothing_failed
    expect "counted" "$counted" -eq "$answers"
    # Or it did not hang.
    expect "longest wait, ms" "$longest" -ge 2500
    expect "longest wait, ms" "$longest" -le 8000
  done
}

# The only one, with a visit that Redis counts while it hangs.
replica-hung-alone() {
  scale 1
  local hang victim redis before asked code grown
  victim=$(container app) redis=$(container redis)
  for hang in $(hangs); do
    recovered
    before=$(visits)
    docker pause "$redis" >/dev/null
    curl -s -m 60 -o "$work/answer" -w '%{http_code} %{time_total}' "$url/" >"$work/code" & asked=$!
    sleep 0.25
    docker kill -s STOP "$victim" >/dev/null
    docker unpause "$redis" >/dev/null
    sleep "$hang"
    docker kill -s CONT "$victim" >/dev/null
    wait "$asked"
    read -r code took <"$work/code"
    recovered
    grown=$(($(visits) - before - 1))
    say "the only replica hung for $hang s: $code after $took s, $grown counted"
    case $code in
      200) expect "counted" "$grown" -eq 1; expect "its number" "$(grep -o '[0-9]*' "$work/answer")" -eq $((before + 1)) ;;
      502 | 503 | 504) expect "counted" "$grown" -le 1 ;;
      *) problems="$problems; the answer was $code" ;;
    esac
    expect "its wait, s" "${took%.*}" -lt 30
  done
}

# ---- new versions ----

# A version that begins with these words of a shell; $java is the service's own command.
make_version() { # NAME COMMAND
  local java='/runtime/bin/java @/app/java.options -XX:AOTCache=/app/tally.aot -jar /app/tally.jar'
  printf 'FROM %s\nENTRYPOINT ["/bin/sh", "-c", "%s"]\n' "$image" "${2//@java/$java}" | docker build -q -t "${image%:*}:$1" - >/dev/null
}
begin_rollouts() {
  scale "$1"
  image=$(docker inspect --format '{{.Config.Image}}' "$(container app)") version=${image##*:}
  kept_versions="$image"
}
app_ids() { docker compose ps -aq --no-trunc app | sort; }
# give_up_on WHAT VERSION SECONDS: under load, rolls out a version that shall not stay.
give_up_on() {
  local before_it; before_it=$(app_ids)
  start_load "$3"
  if TALLY_VERSION=$2 scripts/rollout.sh --watch 12 >"$work/rollout" 2>&1; then problems="$problems; $1: it was rolled out"; fi
  wait_load
  say "that was beside $1: $(grep '^rollout.sh' "$work/rollout")"
  all_counted_once
  expect "$1: counted" "$counted" -eq "$answers"
  [ "$(app_ids)" = "$before_it" ] || problems="$problems; $1: the old replicas did not stay alone"
}

rollout() {
  begin_rollouts 3
  local old new
  old=$(app_ids)
  docker tag "$image" "${image%:*}:$version-next"
  start_load $((seconds + 40))
  TALLY_VERSION=$version-next scripts/rollout.sh --watch 5 >"$work/rollout" 2>&1 || problems="$problems; rollout.sh: $(tail -n 3 "$work/rollout")"
  wait_load
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
  new=$(app_ids)
  expect "replicas that stayed" "$(grep -cFf <(echo "$old") <<<"$new")" -eq 0
  expect "replicas" "$(wc -l <<<"$new")" -eq 3
  # Whoever names no version stays with it.
  [ "$(unset TALLY_VERSION; docker compose config | grep -c "image: ${image%:*}:$version-next$")" = 1 ] || problems="$problems; docker compose up -d would go to another version"
  (unset TALLY_VERSION; scripts/rollout.sh --watch 0) >"$work/rollout" 2>&1 || problems="$problems; rollout.sh without a version: $(tail -n 3 "$work/rollout")"
  expect "replicas of the new version" "$(docker compose ps --format '{{.Image}}' app | grep -c -- '-next$')" -eq 3
  # And to what was not asked for it does not go.
  rm -f .env
  if [ "$version" = dev ]; then
    if (unset TALLY_VERSION; scripts/rollout.sh) >"$work/rollout" 2>&1; then problems="$problems; it went back to another version unasked"; fi
    grep -q "$version-next runs, and .env names another" "$work/rollout" || problems="$problems; rollout.sh said: $(tail -n 1 "$work/rollout")"
  fi
  TALLY_VERSION=$version scripts/rollout.sh --watch 0 >"$work/rollout" 2>&1 || problems="$problems; the way back: $(tail -n 3 "$work/rollout")"
  docker rmi "${image%:*}:$version-next" >/dev/null
}

rollout-broken() {
  begin_rollouts 2
  make_version "$version-broken" 'exit 1'
  give_up_on "a version that exits" "$version-broken" $((seconds + 6))
  expect "failed" "$failed" -eq 0
  make_version "$version-broken" 'exec @java --redis-password wrong'
  # Twice as long as it takes to be given up.
  give_up_on "a version that can't count" "$version-broken" $((seconds + 62))
  expect "failed" "$failed" -eq 0
  docker rmi -f "${image%:*}:$version-broken" >/dev/null
}

rollout-ill() {
  begin_rollouts 2
  make_version "$version-ill" '@java & busybox sleep 14; exit 1'
  give_up_on "a version that dies after a while" "$version-ill" $((seconds + 30))
  expect "failed" "$failed" -eq 0
  make_version "$version-ill" '@java & tally=$!; busybox sleep 14; kill -9 $tally; exec @java --redis-password wrong'
  give_up_on "a version that can't count after a while" "$version-ill" $((seconds + 30))
  only_503
  # Until that is seen it has visitors, whom it tells to come again.
  expect "failed, % of all" $((100 * failed / (answers + failed + 1))) -le 20
  docker rmi -f "${image%:*}:$version-ill" >/dev/null
}

rollout-interrupted() {
  begin_rollouts 2
  local signal after before_it rollout
  local moments="2 8 16"
  [ -z "$short" ] || moments=8
  start_load $((seconds + 40 * $(wc -w <<<"$moments")))
  for signal in INT TERM KILL; do
    for after in $moments; do
      before_it=$(app_ids)
      # A job of its own, which may be interrupted.
      set -m
      scripts/rollout.sh --watch 10 >"$work/rollout" 2>&1 & rollout=$!
      set +m
      sleep "$after"
      [ "$signal" != INT ] || ! scripts/rollout.sh >"$work/second" 2>&1 || problems="$problems; two rollouts at once"
      [ "$signal" != INT ] || grep -q 'rollout.sh, process .* is at work here' "$work/second" || problems="$problems; the second one said: $(tail -n 1 "$work/second")"
      kill -s "$signal" -- "-$rollout"
      wait "$rollout"
      if [ "$signal" = KILL ]; then
        scripts/rollout.sh --watch 0 >"$work/rollout" 2>&1 || problems="$problems; after a kill: $(tail -n 3 "$work/rollout")"
        expect "replicas after a kill at $after s" "$(docker compose ps -aq app | wc -l)" -eq 2
      elif [ "$(app_ids)" != "$before_it" ]; then
        problems="$problems; after SIG$signal at $after s the old replicas did not stay alone: $(tail -n 2 "$work/rollout")"
      fi
    done
  done
  wait_load
  nothing_failed
  expect "counted" "$counted" -eq "$answers"
}

stop() {
  scale 3
  local victim address code began took streamed=0
  victim=$(container app) address=$(address_of "$(container app)"):5000
  [ "$(status "http://$address/health")" = 200 ] || { skipped="the containers' addresses can't be reached from here"; return; }
  curl -s -N -m 20 -o "$work/events" "http://$address/api/events" & local events=$!
  sleep 0.5
  # Redis holds its breath, so that a request is under way when the signal comes.
  docker compose pause redis >/dev/null 2>&1
  curl -s -m 5 -o /dev/null -w '%{http_code}' "http://$address/" >"$work/inflight" & local inflight=$!
  sleep 0.3
  began=$(millis)
  docker kill -s TERM "$victim" >/dev/null
  docker compose unpause redis >/dev/null 2>&1
  local health; health=$(curl -s -m 2 "http://$address/health")
  wait "$inflight"
  wait "$events" || streamed=$?
  code=$(timeout 25 docker wait "$victim")
  took=$(($(millis) - began))
  say "SIGTERM: /health said ${health:0:20}…, the request under way got $(cat "$work/inflight"), gone with $code after $took ms"
  [[ $health = *'"status":"stopping"'* ]] || problems="$problems; /health said $health"
  expect "the request under way" "$(cat "$work/inflight")" -eq 200
  expect "how the open page ended" "$streamed" -eq 0
  [ "$code" = 143 ] || [ "$code" = 0 ] || problems="$problems; exit status $code"
  expect "time to stop, ms" "$took" -lt 15000
  docker start "$victim" >/dev/null
}
