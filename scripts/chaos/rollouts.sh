# shellcheck shell=bash
# New versions, good and bad, and the stop of a replica that each of them begins with.
all+=" rollout rollout-broken rollout-ill rollout-interrupted stop"

app_image() {
  inspect app '{{.Config.Image}}'
}
# The image that runs under another tag: what is added to it, and the words of a shell with which it
# begins. @java stands for the service's own command.
make_version() { # IMAGE ADDED COMMAND
  local java='/runtime/bin/java @/app/java.options -XX:AOTCache=/app/tally.aot -jar /app/tally.jar'
  printf 'FROM %s\nENTRYPOINT ["/bin/sh", "-c", "%s"]\n' "$1" "${3//@java/$java}" |
    docker build -q -t "$1-$2" - >/dev/null
}
remove_versions() { # ADDED
  local image
  image=$(setting services app image)
  docker images --format '{{.Repository}}:{{.Tag}}' --filter "reference=${image%:*}:*-$1" |
    xargs -r docker rmi -f >/dev/null
}
roll_out() { # [OPTION…]: what it says is in $work/rollout
  scripts/rollout.sh "$@" >"$work/rollout" 2>&1
}
last_said() { # LINES
  tail -n "$1" "$work/rollout"
}
# Under load, rolls out a version that shall not stay.
expect_given_up() { # WHAT VERSION SECONDS
  local before
  before=$(replica_ids)
  begin_load "$3"
  ! TALLY_VERSION=$2 roll_out --watch 12 || problem "$1: it was rolled out"
  end_load
  tap_say "that was beside $1: $(grep '^rollout.sh' "$work/rollout")"
  expect_each_number_once
  expect "$1: counted" "${load[counted]}" -eq "${load[answers]}"
  [ "$(replica_ids)" = "$before" ] || problem "$1: the old replicas did not stay alone"
}

rollout() {
  scale 3
  local image version old new
  image=$(app_image)
  version=${image##*:}
  old=$(replica_ids)
  docker tag "$image" "$image-next"
  begin_load $((seconds + 40))
  TALLY_VERSION=$version-next roll_out --watch 5 || problem "rollout.sh: $(last_said 3)"
  end_load
  expect_no_failure
  expect_counted -eq
  new=$(replica_ids)
  expect "replicas that stayed" "$(grep -cFf <(echo "$old") <<<"$new")" -eq 0
  expect "replicas" "$(wc -l <<<"$new")" -eq 3
  # Whoever names no version stays with it.
  [ "$(unset TALLY_VERSION && setting services app image)" = "$image-next" ] ||
    problem "docker compose up -d would go to another version"
  (unset TALLY_VERSION && roll_out --watch 0) ||
    problem "rollout.sh without a version: $(last_said 3)"
  expect "replicas of the new version" \
    "$(docker compose ps --format '{{.Image}}' app | grep -c -- '-next$')" -eq 3
  # And to what was not asked for it does not go.
  rm -f .env
  if [ "$version" = dev ]; then
    ! (unset TALLY_VERSION && roll_out) || problem "it went back to another version unasked"
    grep -q "$version-next runs, and .env names another" "$work/rollout" ||
      problem "rollout.sh said: $(last_said 1)"
  fi
  TALLY_VERSION=$version roll_out --watch 0 || problem "the way back: $(last_said 3)"
}
rollout-undo() {
  remove_versions next
}

rollout-broken() {
  scale 2
  local image
  image=$(app_image)
  make_version "$image" broken 'exit 1'
  expect_given_up "a version that exits" "${image##*:}-broken" $((seconds + 6))
  expect "failed" "${load[failed]}" -eq 0
  make_version "$image" broken 'exec @java --redis-password wrong'
  # Twice as long as it takes to be given up.
  expect_given_up "a version that can't count" "${image##*:}-broken" $((seconds + 62))
  expect "failed" "${load[failed]}" -eq 0
}
rollout-broken-undo() {
  remove_versions broken
}

rollout-ill() {
  scale 2
  local image
  image=$(app_image)
  make_version "$image" ill '@java & busybox sleep 14; exit 1'
  expect_given_up "a version that dies after a while" "${image##*:}-ill" $((seconds + 30))
  expect "failed" "${load[failed]}" -eq 0
  # shellcheck disable=SC2016 # that shell expands it
  make_version "$image" ill \
    '@java & tally=$!; busybox sleep 14; kill -9 $tally; exec @java --redis-password wrong'
  expect_given_up "a version that can't count after a while" "${image##*:}-ill" $((seconds + 30))
  expect_only_503
  # Until that is seen it has visitors, whom it tells to come again.
  expect "failed, % of all" $((100 * load[failed] / (load[answers] + load[failed] + 1))) -le 20
}
rollout-ill-undo() {
  remove_versions ill
}

rollout-interrupted() {
  scale 2
  local signal after before rollout moments="2 8 16"
  [ -z "$short" ] || moments=8
  begin_load $((seconds + 40 * $(wc -w <<<"$moments")))
  for signal in INT TERM KILL; do
    for after in $moments; do
      before=$(replica_ids)
      # A job of its own, which may be interrupted.
      set -m
      scripts/rollout.sh --watch 10 >"$work/rollout" 2>&1 &
      rollout=$!
      set +m
      sleep "$after"
      [ "$signal" != INT ] || expect_refused_beside_it
      kill -s "$signal" -- "-$rollout"
      wait "$rollout"
      if [ "$signal" = KILL ]; then
        roll_out --watch 0 || problem "after a kill: $(last_said 3)"
        expect "replicas after a kill at $after s" "$(docker compose ps -aq app | wc -l)" -eq 2
      elif [ "$(replica_ids)" != "$before" ]; then
        problem "after SIG$signal at $after s the old replicas did not stay alone: $(last_said 2)"
      fi
    done
  done
  end_load
  expect_no_failure
  expect_counted -eq
}
expect_refused_beside_it() {
  ! scripts/rollout.sh >"$work/second" 2>&1 || problem "two rollouts at once"
  grep -q 'rollout.sh, process .* is at work here' "$work/second" ||
    problem "the second one said: $(tail -n 1 "$work/second")"
}

stop() {
  scale 3
  local victim address events inflight health code began took streamed=0
  victim=$(container app)
  address=$(address_of "$victim"):5000
  if [ "$(code_of "http://$address/health")" != 200 ]; then
    skip "the containers' addresses can't be reached from here"
    return
  fi
  curl -s -N -m 20 -o "$work/events" "http://$address/api/events" &
  events=$!
  sleep 0.5
  # Redis holds its breath, so that a request is under way when the signal comes.
  docker compose pause redis >/dev/null 2>&1
  code_of "http://$address/" >"$work/inflight" &
  inflight=$!
  sleep 0.3
  began=$(millis)
  docker kill -s TERM "$victim" >/dev/null
  docker compose unpause redis >/dev/null 2>&1
  health=$(curl -s -m 2 "http://$address/health")
  wait "$inflight"
  wait "$events" || streamed=$?
  code=$(timeout 25 docker wait "$victim")
  took=$(($(millis) - began))
  inflight=$(cat "$work/inflight")
  tap_say "SIGTERM: /health said ${health:0:20}…, the request under way got $inflight," \
    "gone with $code after $took ms"
  [[ $health = *'"status":"stopping"'* ]] || problem "/health said $health"
  expect "the request under way" "$inflight" -eq 200
  expect "how the open page ended" "$streamed" -eq 0
  [ "$code" = 143 ] || [ "$code" = 0 ] || problem "exit status $code"
  expect "time to stop, ms" "$took" -lt 15000
  docker start "$victim" >/dev/null
}
