#!/usr/bin/env bash
# interrupts.sh [--list] [--short [SEED]] [--signal INT|KILL] [CASE…]: ends the scripts that change
# something at one step after the other, by Ctrl-C and by kill -9; one TAP line for each. Without
# CASE: all.
#
# A step is a line of the script as it runs. It is ended just before the step's command, and once
# more while that is under way. Each time what was there before must be there, and the next run must
# do what this one did not, or say what to do. It works in a copy of this tree, on a stack of its
# own, from the image that is there (docker compose build app). --short: one step and one signal of
# each case, by chance, for CI; it prints its seed, and takes one. Exit status 0 if all is well.
set -uo pipefail
. "$(dirname "$0")/lib/command.sh"
cd "$(dirname "$0")/.." || exit 2

. scripts/lib/ask.sh
. scripts/lib/service.sh
. scripts/lib/passwords.sh
. scripts/lib/ports.sh
. scripts/lib/stack.sh
. scripts/lib/tap.sh
. scripts/lib/tree.sh
. scripts/lib/wait.sh
# Each file names its cases, in the order in which they run. A case has four functions: NAME_before
# makes what is there, NAME_run is interrupted, NAME_after SIGNAL looks at what is left, and
# NAME_again runs it anew.
all=""
. scripts/interrupts/secrets.sh
. scripts/interrupts/cert.sh
. scripts/interrupts/stack.sh

short="" seed=$RANDOM signals=(INT KILL) cases=""
while [ $# -gt 0 ]; do
  case $1 in
    --list)
      xargs -n 1 <<<"$all"
      exit 0
      ;;
    --short)
      short=yes
      if [[ ${2:-} =~ ^[0-9]+$ ]]; then
        seed=$2
        shift
      fi
      ;;
    --signal)
      signals=("${2:-}")
      shift
      ;;
    *)
      [[ " $all " = *" $1 "* ]] || misuse "unknown argument $1; see --help and --list"
      cases="$cases $1"
      ;;
  esac
  shift
done
image=$(setting services app image)
if [ -n "$short" ]; then
  tap_say "by chance: --short $seed"
  RANDOM=$seed
fi

# ---- a copy, and a stack of its own ----

work=$(mktemp -d) copy=$work/tree
mkdir "$copy" "$work/backups"
copy_tree "$copy" || exit 2
cd "$copy" || exit 2
HTTP_PORT=$(free_port 18700)
COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-tally}-interrupts
APP_NETWORK=$COMPOSE_PROJECT_NAME TALLY_IMAGE=$image
export HTTP_PORT COMPOSE_PROJECT_NAME APP_NETWORK TALLY_IMAGE
unset TALLY_VERSION COMPOSE_FILE COMPOSE_ENV_FILES
url=http://127.0.0.1:$HTTP_PORT curl=(curl) up=""
end() {
  trap '' INT TERM
  [ -z "$up" ] || docker compose down -v -t 2 --remove-orphans >/dev/null 2>&1
  for file in b.rdb backups/b.rdb backups/b.rdb.part; do
    docker ps -aq --filter "volume=$work/$file" | xargs -r docker rm -fv >/dev/null
  done
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM HUP

# What bash reads before the script, and that script alone: it says the steps, or ends it at one.
cat >"$work/steps" <<'END'
unset BASH_ENV
step() {
  if [ -n "$STEPS_TO" ]; then
    echo "$1" >>"$STEPS_TO"
    return
  fi
  [ "$1" = "$STEP" ] && [ ! -e "$STEP_DONE" ] || return 0
  : >"$STEP_DONE"
  # With all that it has started, as a terminal does it.
  if [ "$WHEN" = before ]; then
    kill -s "$SIGNAL" -- "-$$"
  else
    setsid sh -c "sleep 0.2; kill -s $SIGNAL -- -$$" &
  fi
}
set -T
trap 'step "${BASH_SOURCE[0]##*/}:$LINENO"' DEBUG
END
# In a session of its own, whose signals reach nobody else.
as_a_leader() { # COMMAND…
  # The braces are for what bash itself says of one that was killed.
  {
    env BASH_ENV="$work/steps" timeout 120 setsid -w "$@" </dev/null >"$work/said" 2>&1
  } 2>/dev/null
}
# The next run did it, or says how.
says() { # TEXT
  grep -q -- "$1" "$work/said" || complain "it does not say $1 but: $(tail -n 3 "$work/said")"
}

# ---- one after the other ----

wrong() { # WHAT WHY
  tap_not_ok "$1" "$(tail -n 12 <<<"$2" | cut -c1-300)"
}
# The steps of a run to its end, in their order, into $steps.
steps_of() { # CASE
  rm -f "$work/recorded"
  "${1}_before" >"$work/why" 2>&1 && STEPS_TO=$work/recorded "${1}_run" ||
    [ "$1" = doctor ] || return
  mapfile -t steps < <(awk '!seen[$0]++' "$work/recorded")
  [ ${#steps[@]} -gt 5 ]
}
interrupt() { # CASE SIGNAL before|during STEP
  local why what="$1, SIG$2 $3 $4"
  rm -f "$work/done"
  if ! "${1}_before" >"$work/why" 2>&1; then
    wrong "$what" "can't begin: $(cat "$work/why" "$work/said")"
    return
  fi
  STEPS_TO="" STEP=$4 WHEN=$3 SIGNAL=$2 STEP_DONE=$work/done "${1}_run"
  # A command in the background of its own, as a container that starts.
  sleep 0.3
  if [ ! -e "$work/done" ]; then
    tap_skip "$what" "this time it did not come there"
  elif ! why=$("${1}_after" "$2" 2>&1); then
    wrong "$what: what was there is not there" "$why"$'\n'"$(cat "$work/said")"
    "${1}_again" >/dev/null 2>&1
  elif ! why=$("${1}_again" 2>&1); then
    wrong "$what: the next run" "$why"$'\n'"$(cat "$work/said")"
  else
    tap_ok "$what"
  fi
}
for case in ${cases:-$all}; do
  if ! steps_of "$case"; then
    wrong "$case without an interruption" "$(cat "$work/why" "$work/said")"
    continue
  fi
  chosen=("${signals[@]}") whens=(before during)
  if [ -n "$short" ]; then
    steps=("${steps[RANDOM % ${#steps[@]}]}")
    chosen=("${signals[RANDOM % ${#signals[@]}]}")
    whens=("${whens[RANDOM % 2]}")
  fi
  for signal in "${chosen[@]}"; do
    for when in "${whens[@]}"; do
      for step in "${steps[@]}"; do
        interrupt "$case" "$signal" "$when" "$step"
      done
    done
  done
done
tap_plan
if [ "$tap_failed" != 0 ]; then
  tap_say "$tap_failed of $tap_number"
  exit 1
fi
