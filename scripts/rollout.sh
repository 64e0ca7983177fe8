#!/usr/bin/env bash
# rollout.sh [--prod] [--watch SECONDS]: replaces every replica of the app by one of the image and
# configuration as they are now, without a request that fails.
#
# To another version, whose image is there: TALLY_VERSION=1.2 scripts/rollout.sh. It is written down
# where Compose reads it, in conf/prod/.env with --prod, else in .env, so that later commands stay
# with it; back is the same with the old one. --prod: the stack of conf/prod/.env.
#
# Starts as many new replicas as there are old ones, so it needs their memory twice for a while. A
# new one gets no visitor before it is healthy. Then the old ones stop, one after the other, each of
# which finishes what it has; the last of them when all new ones have been healthy for 40 seconds
# (--watch). If a new one can't run, is not healthy within a minute, or falls ill or dies before the
# end, and also at Ctrl-C, the old ones are put back and the new ones go, and the exit status is 1.
# What a rollout that was killed left behind is put right by the next one.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

watch=40
while [ $# -gt 0 ]; do
  case $1 in
    --prod) export COMPOSE_ENV_FILES=conf/prod/.env ;;
    --watch)
      [[ ${2:-} =~ ^[0-9]{1,4}$ ]] || misuse "--watch needs a number of seconds"
      watch=$2
      shift
      ;;
    *) misuse "unknown argument $1; see --help" ;;
  esac
  shift
done
cd "$(dirname "$0")/.."
. scripts/lib/lock.sh
. scripts/lib/stack.sh

# Nginx asks for the replicas' addresses every two seconds.
known=3 deadline=60
env_file=${COMPOSE_ENV_FILES:-.env}
env_file=${env_file##*,}
project=$(setting name)
network=$(setting networks tally-app-network name)
to=$(setting services app image)
lock "$project-rollout"
lock "$project-data" shared
# Of a rollout under way: how many there were, and which.
notes=.data/rollout-$project

# ---- tools ----

all() { docker compose ps -aq --no-trunc app; }
state() { # REPLICA
  local template='{{.State.Health.Status}} {{.State.Status}} {{.RestartCount}}'
  docker inspect --format "$template" "$1" 2>&1
}
answers() { # REPLICA
  local health=http://127.0.0.1:5000/health
  timeout 10 docker exec "$1" wget -q -T 3 -O /dev/null "$health" >/dev/null 2>&1
}
joined() { # REPLICA: whether Nginx can find it
  docker inspect --format '{{json .NetworkSettings.Networks}}' "$1" | grep -qF "\"$network\":"
}
running() { # REPLICA…: those of them
  local replica
  for replica; do
    [[ $(state "$replica") != *" running "* ]] || echo "$replica"
  done
}
there() { # REPLICA…: those of them
  local replica
  for replica; do
    ! docker inspect "$replica" >/dev/null 2>&1 || echo "$replica"
  done
}
others() { # REPLICA…: all but those
  all | grep -vxF "$(printf '%s\n' none "$@")" || true
}
remove() { # REPLICA…
  [ $# = 0 ] || docker rm -f "$@" >/dev/null
}
say() {
  echo "$command: $*" >&2
}
# Until it is healthy; else says why it is not.
await() { # REPLICA
  local end=$((SECONDS + deadline)) found
  until found=$(state "$1") && [[ $found = "healthy running "* ]] && answers "$1"; do
    if [[ $found != *" running "* ]]; then
      echo "can't run ($found)"
      return 1
    elif [ "$SECONDS" -ge "$end" ]; then
      echo "is not healthy after $deadline s ($found)"
      return 1
    fi
    sleep 0.5
  done
}
# Is each new one well, now? Where the old ones are not, either, it is not for the new one's
# version: then after a while.
well() {
  local replica try found
  for replica in "${new[@]}"; do
    for try in 1 2 3 4 5; do
      found=$(state "$replica")
      if [ "$found" != "healthy running 0" ]; then
        ill="a new replica fell ill ($found)"
        return 1
      fi
      ! answers "$replica" || continue 2
      ill="a new replica fell ill (its /health is not 200)"
      mapfile -t left < <(running "${old[@]}")
      [ ${#left[@]} = 0 ] || ! answers "${left[0]}" || return 1
      [ "$try" = 5 ] || sleep 1
    done
    return 1
  done
}

# What was there before is there again, and nothing else.
put_back() {
  trap '' INT TERM HUP
  local replica found bad=() result=0
  mapfile -t old < <(there "${old[@]}")
  mapfile -t new < <(others "${old[@]}")
  # No visitor shall be asked of these; the others serve on until the old ones do.
  for replica in "${new[@]}"; do
    joined "$replica" && [ "$(state "$replica")" = "healthy running 0" ] && answers "$replica" ||
      bad+=("$replica")
  done
  for replica in "${bad[@]}"; do
    docker logs --tail 5 "$replica" >&2 || true
  done
  remove "${bad[@]}"
  mapfile -t stopped < <(
    others "${new[@]}" | while read -r replica; do
      [ -z "$(running "$replica")" ] && echo "$replica"
    done
  )
  # One that is stopping now would take the start for done.
  if [ -n "$stopping" ]; then
    docker stop "$stopping" >/dev/null || true
    stopped+=("$stopping")
  fi
  if [ ${#stopped[@]} -gt 0 ]; then
    docker start "${stopped[@]}" >/dev/null || true
    for replica in "${stopped[@]}"; do
      if ! found=$(await "$replica"); then
        say "the old replica $replica $found"
        result=1
      fi
    done
    sleep "$known"
  fi
  [ $result = 0 ] || fail "what was there did not come back whole, so the new replicas stay;" \
    "docker compose logs app says why"
  mapfile -t new < <(others "${old[@]}")
  [ ${#new[@]} = 0 ] || docker stop "${new[@]}" >/dev/null || true
  remove "${new[@]}"
  rm -f "$notes"
}
give_up() {
  trap - EXIT
  trap '' INT TERM HUP
  say "$1; going back to the $count old replicas"
  put_back
  exit "${2:-1}"
}

# ---- what is there ----

new=() old=() stopping="" count=0
if [ -e "$notes" ]; then
  echo "A rollout was killed before its end; putting that right first" >&2
  {
    read -r step
    mapfile -t noted
  } <"$notes"
  mapfile -t old < <(there "${noted[@]}")
  count=${#old[@]}
  if [ "$step" = ended ]; then
    remove "${old[@]}"
  elif [ ${#old[@]} = ${#noted[@]} ]; then
    put_back
  else
    # Somebody has tidied up; what remains of it are those that no visitor is sent to.
    mapfile -t left < <(
      all | while read -r replica; do
        joined "$replica" || echo "$replica"
      done
    )
    remove "${left[@]}"
  fi
  rm -f "$notes"
  trap - INT TERM HUP
fi
# Stopped ones are nobody's, and count for nothing.
mapfile -t old < <(all)
mapfile -t runs < <(running "${old[@]}")
count=${#runs[@]}
[ "$count" -gt 0 ] || fail "no replica runs; $(compose_by_hand) up -d starts the stack"
if [ "$count" -lt ${#old[@]} ]; then
  mapfile -t old < <(others "${runs[@]}")
  remove "${old[@]}"
  old=("${runs[@]}")
fi

from=$(docker inspect --format '{{.Config.Image}}' "${old[@]}" | sort -u | paste -sd' ')
if [ "$from" != "$to" ] && [ -z "${TALLY_VERSION:-}" ]; then
  fail "$from runs, and $env_file names another, $to: to go there," \
    "TALLY_VERSION=${to##*:} scripts/rollout.sh${COMPOSE_ENV_FILES:+ --prod}"
fi
docker image inspect "$to" >/dev/null 2>&1 ||
  fail "there is no image $to;" \
    "TALLY_VERSION=${to##*:} $(compose_by_hand) build app makes it"
written=$(
  unset TALLY_VERSION
  setting services app image
)
[ "$written" = "$to" ] || touch "$env_file" 2>/dev/null ||
  fail "$env_file can't be written, so the version could not be kept there"

# ---- new ones beside the old ones ----

trap 'give_up "it was interrupted" 130' INT
trap 'give_up "it was ended" 143' TERM HUP
trap 'give_up "a command of Docker failed"' EXIT
echo "From $from to $to: starting $count new beside $count old"
printf '%s\n' begun "${old[@]}" >"$notes"
said=$(docker compose up --no-start --no-deps --no-recreate --no-build \
  --scale "app=$((2 * count))" app 2>&1) ||
  give_up "new replicas can't be made: ${said##*$'\n'}; scripts/doctor.sh says what is in the way"
mapfile -t new < <(others "${old[@]}")
[ ${#new[@]} = "$count" ] || give_up "there are ${#new[@]} new replicas, not $count"
for replica in "${new[@]}"; do
  # Where Nginx does not find it: its name would be known as soon as it runs.
  docker network disconnect "$network" "$replica"
  docker start "$replica" >/dev/null || give_up "a new replica can't be started"
done
for replica in "${new[@]}"; do
  found=$(await "$replica") || give_up "a new replica $found"
done
well || give_up "$ill"
# Under the names that compose.yaml gives it there; Nginx asks for the second.
for replica in "${new[@]}"; do
  docker network connect --alias app --alias "$project-app" "$network" "$replica"
done
echo "The new ones are healthy, and get visitors; stopping the old ones"
watched=$((SECONDS + watch))

# ---- the old ones go ----

for replica in "${old[@]}"; do
  # Also between them: each that is gone and still known costs a request a third of a second.
  end=$((SECONDS + known))
  [ "$replica" != "${old[-1]}" ] || [ "$watched" -lt "$end" ] || end=$watched
  while [ "$SECONDS" -lt "$end" ]; do
    well || give_up "$ill"
    sleep 0.5
  done
  well || give_up "$ill"
  stopping=$replica
  docker stop "$replica" >/dev/null
  stopping=""
done
well || give_up "$ill"

# ---- for good ----

trap '' INT TERM HUP
trap - EXIT
if [ "$written" != "$to" ]; then
  grep -q '^TALLY_VERSION=' "$env_file" || echo TALLY_VERSION= >>"$env_file"
  cp -p "$env_file" "$env_file.new"
  sed "s/^TALLY_VERSION=.*/TALLY_VERSION=${to##*:}/" "$env_file" >"$env_file.new"
  mv "$env_file.new" "$env_file"
  echo "$env_file says TALLY_VERSION=${to##*:} now"
fi
printf '%s\n' ended "${old[@]}" >"$notes"
remove "${old[@]}"
rm -f "$notes"
echo "Done: $count replicas, all new"
