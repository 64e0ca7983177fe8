#!/usr/bin/env bash
# mutants.sh [--list] [--random-third [SEED]] [EDIT…]: breaks one promise after the other in a copy
# of this tree, and sees that the check that is there for it fails; one TAP line for each edit.
# Without EDIT: all.
#
# The edits are in scripts/mutants/*.edits: what is broken, the file, the text that goes (-) and the
# text that comes (+), and the check (?). The text stands there as it stands in the file, and in it
# once: an edit that does not apply any more is a failure. A check is one of
#
#   test CLASS#METHOD     a test, with the Redis that the tests bring along
#   claim [--prod] CHECK  of scripts/smoke.sh, on a stack of the copy's own, which begins with the
#                         image that is there (docker compose build app); only what an edit touches
#                         is begun anew
#   chaos SCENARIO        of scripts/chaos.sh, in its short form, on that stack
#   run COMMAND           in the copy's folder, with bash
#
# First each check must pass without an edit: one that always fails would see everything.
# --random-third: a third of the edits, for CI; it prints its seed, and takes one. Exit status 0 if
# every edit was seen.
set -uo pipefail
. "$(dirname "$0")/lib/command.sh"
cd "$(dirname "$0")/.." || exit 2
. scripts/lib/chance.sh
. scripts/lib/ports.sh
. scripts/lib/stack.sh
. scripts/lib/tap.sh
. scripts/lib/tree.sh

# ---- the list ----

names=()
declare -A what file old new check
read_edits() { # FILE…
  local line name=""
  while IFS= read -r line; do
    case $line in
      "" | "#"*) ;;
      "  in "*) file[$name]=${line#  in } ;;
      "  -"*) old[$name]+=${old[$name]:+$'\n'}${line:4} ;;
      "  +"*) new[$name]+=${new[$name]:+$'\n'}${line:4} ;;
      "  ? "*) check[$name]=${line#  ? } ;;
      [a-z]*": "*)
        name=${line%%: *}
        [ -z "${what[$name]:-}" ] || misuse "two edits are called $name"
        names+=("$name") what[$name]=${line#*: } old[$name]="" new[$name]=""
        ;;
      *) misuse "what is this? $line" ;;
    esac
  done < <(cat "$@")
}
read_edits scripts/mutants/*.edits

third="" seed=$RANDOM chosen=()
while [ $# -gt 0 ]; do
  case $1 in
    --list)
      for name in "${names[@]}"; do
        printf '%-32s %s (%s)\n' "$name" "${what[$name]}" "${check[$name]}"
      done
      exit 0
      ;;
    --random-third)
      third=yes
      if [[ ${2:-} =~ ^[0-9]+$ ]]; then
        seed=$2
        shift
      fi
      ;;
    *)
      [ -n "${what[$1]:-}" ] || misuse "there is no edit $1; see --help and --list"
      chosen+=("$1")
      ;;
  esac
  shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${names[@]}")
if [ -n "$third" ]; then
  third_begins "$seed"
  kept=()
  for name in "${chosen[@]}"; do
    ! in_third || kept+=("$name")
  done
  chosen=("${kept[@]}")
fi

# Those with the stack and those without at once: neither has two cores to do.
of_the_stack() { # NAME
  [[ ${check[$1]} = claim* || ${check[$1]} = chaos* ]]
}
with=() without=()
for name in "${chosen[@]}"; do
  if of_the_stack "$name"; then
    with+=("$name")
  else
    without+=("$name")
  fi
done
if [ ${#with[@]} -gt 0 ] && [ ${#without[@]} -gt 0 ]; then
  said=$(mktemp)
  scripts/mutants.sh "${without[@]}" >"$said" 2>&1 &
  other=$!
  # shellcheck disable=SC2064 # of these
  trap "kill $other 2>/dev/null; wait $other; rm -f $said" EXIT
  trap 'exit 130' INT TERM HUP
  {
    scripts/mutants.sh "${with[@]}"
    wait "$other"
    cat "$said"
  } 2>&1 | tap_joined
  exit
fi

# ---- a copy, and a stack of its own ----

image=$(setting services app image)
work=$(mktemp -d)
copy=$work/tree
mkdir "$copy"
copy_tree "$copy" || exit 2
cd "$copy" || exit 2
unset COMPOSE_FILE COMPOSE_ENV_FILES
HTTP_PORT=$(free_port 18500)
HTTPS_PORT=$(free_port 18900)
export HTTP_PORT HTTPS_PORT
project=${COMPOSE_PROJECT_NAME:-tally}-mutants
# Production runs the image that local built.
# shellcheck disable=SC2034 # by in_stack
local_stack=("COMPOSE_PROJECT_NAME=$project" "APP_NETWORK=$project")
# shellcheck disable=SC2034 # by in_stack
prod_stack=(
  "COMPOSE_PROJECT_NAME=$project-prod"
  "APP_NETWORK=$project-prod"
  COMPOSE_ENV_FILES=conf/prod/.env
  "TALLY_IMAGE=$project-app:${TALLY_VERSION:-dev}"
)
# For the one that runs; both have the same ports.
in_stack() { # local|prod COMMAND…
  local -n stack=${1}_stack
  shift
  env "${stack[@]}" "$@"
}
up="" touched=() networks_before=""
# What is under way when this ends goes on for no longer.
end() {
  trap '' INT TERM
  go_down
  docker rmi -f "$project-app:${TALLY_VERSION:-dev}" >/dev/null 2>&1
  rm -rf "$work"
}
go_down() {
  [ -z "$up" ] || in_stack "$up" docker compose down -v -t 2 --remove-orphans >/dev/null 2>&1
  up="" networks_before=""
}
trap end EXIT
trap 'exit 130' INT TERM HUP

# What has to be done for an edit to be seen.
actions_for() { # PATH…
  local path
  for path; do
    case $path in
      nginx.conf | scripts/nginx.sh | conf/*/nginx/*) echo nginx ;;
      conf/redis.conf | scripts/redis.sh | conf/*/redis/*) echo redis ;;
      conf/*/app.conf) echo app ;;
      src/main/resources/public/*) ;;
      Dockerfile | conf/java.options | scripts/train.sh | pom.xml | src/main/*)
        echo build
        echo up
        ;;
      *compose.yaml) echo up ;;
    esac
  done | sort -u
}
# Begins anew what was touched since the last time, so that the stack is that of the copy as it is
# now.
settle() { # local|prod
  local action networks
  if [ "$up" != "$1" ]; then
    go_down
    if [ "$1" = prod ]; then
      { scripts/secrets.sh && scripts/cert.sh; } >/dev/null 2>&1
    fi
    docker tag "$image" "$project-app:${TALLY_VERSION:-dev}"
    touched=(compose.yaml)
  fi
  up=$1
  local paths=("${touched[@]}")
  touched=()
  for action in $(actions_for "${paths[@]}"); do
    case $action in
      build) in_stack local timeout 600 docker compose build -q app ;;
      up)
        # A network that is there is never changed.
        networks=$(in_stack "$1" docker compose config 2>/dev/null |
          sed -n '/^networks:/,/^[a-z]*:$/p')
        [ "$networks" = "${networks_before:-$networks}" ] || in_stack "$1" docker compose down -t 2
        networks_before=$networks
        in_stack "$1" timeout 60 docker compose up -d --wait || return
        ;;
      *) in_stack "$1" docker compose restart -t 3 "$action" ;;
    esac >"$work/said" 2>&1
  done
  local url=http://127.0.0.1:$HTTP_PORT
  [ "$1" = local ] || url=https://127.0.0.1:$HTTPS_PORT
  for _ in $(seq 50); do
    ! curl -fsk -m 2 -o /dev/null "$url/health" || return 0
    sleep 0.1
  done
}

# ---- a check ----

# Once. The resources are read where they are edited, and each test without Maven, which takes
# longer than most tests.
class_path=""
compiled() {
  [ -z "$class_path" ] || return 0
  mvn -B -q test-compile dependency:build-classpath \
    -Dmdep.outputFile=target/class-path >"$work/said" 2>&1 || return
  class_path=target/test-classes:src/main/resources:target/classes:$(cat target/class-path)
  java=$(scripts/java.sh)
}

# Its output is in $work/said.
passes() { # KIND ARGUMENT…
  local kind=$1 environment=local deadline
  shift
  deadline=$((240 + 60 * $#))
  case $kind in
    test)
      compiled &&
        TALLY_REDIS=bundled timeout "$deadline" \
          "$java" -cp "$class_path" tally.support.Pick "$@" >"$work/said" 2>&1
      ;;
    claim)
      [ "$1" != --prod ] || environment=prod
      settle "$environment" &&
        in_stack "$environment" timeout "$deadline" \
          scripts/smoke.sh --keep-visits "$@" >"$work/said" 2>&1
      ;;
    chaos)
      settle local &&
        in_stack local timeout "$deadline" \
          scripts/chaos.sh --short "$@" >"$work/said" 2>&1
      ;;
    run) timeout "$deadline" bash -c "$*" >"$work/said" 2>&1 ;;
    *) complain "there is no kind of check '$kind'" >"$work/said" ;;
  esac
}
checks_of_all() {
  for name in "${chosen[@]}"; do
    echo "${check[$name]}"
  done | sort -u
}
not_seen() { # WHAT
  tap_not_ok "$1" "$(tail -n 20 "$work/said" 2>/dev/null | cut -c1-300)"
}

# Together as far as they can be, since that is quicker; each alone where that failed.
declare -A sound
passes_without_an_edit() { # PREFIX
  local all one
  all=$(checks_of_all | sed -n "s/^$1 //p" | grep -v '^--' || true)
  [ -n "$all" ] || return 0
  # shellcheck disable=SC2086 # words
  if [[ $1 != run ]] && passes $1 $all </dev/null; then
    while read -r one; do
      sound["$1 $one"]=yes
    done <<<"$all"
    return
  fi
  while read -r one; do
    # shellcheck disable=SC2086 # words
    if passes $1 $one </dev/null; then
      sound["$1 $one"]=yes
    else
      not_seen "without an edit this passes: $1 $one"
    fi
  done <<<"$all"
}

# ---- the edits ----

# Whether it could be made: the text stands there once.
make_edit() { # NAME
  local before after path=${file[$1]}
  [ -f "$path" ] || complain "$path is not there" >"$work/said" || return
  cp -p "$path" "$work/kept"
  # What is substituted loses its last line ends, but for this.
  before=$(cat "$path" && printf x)
  after=${before#*"${old[$1]}"}
  [ "$after" != "$before" ] ||
    complain "$path has no such text: ${old[$1]}" >"$work/said" || return
  [ "${after#*"${old[$1]}"}" = "$after" ] ||
    complain "$path has it more than once: ${old[$1]}" >"$work/said" || return
  after=${before/"${old[$1]}"/"${new[$1]}"}
  # In place: a file that is mounted stays the same one.
  printf '%s' "${after%x}" >"$path"
  touched+=("$path")
}
undo() {
  cat "$work/kept" >"$1"
  touched+=("$1")
}

try() { # NAME
  local seen=yes began=$SECONDS
  if [ -z "${sound[${check[$1]}]:-}" ]; then
    tap_not_ok "$1: ${what[$1]}" "its check fails without it, too"
    return
  fi
  if ! make_edit "$1"; then
    not_seen "$1 does not apply any more"
    return
  fi
  # shellcheck disable=SC2086 # words
  ! passes ${check[$1]} || seen=""
  undo "${file[$1]}"
  if [ -n "$seen" ]; then
    tap_ok "$1: ${what[$1]}: seen by ${check[$1]} ($((SECONDS - began)) s)"
  else
    not_seen "$1: ${what[$1]}: survived ${check[$1]}"
  fi
}

is_of_kind() { # NAME KIND
  [[ ${check[$1]} = "$2 "* ]] && [[ $2 != claim || ${check[$1]} != "claim --"* ]]
}
# By kind, so that each stack is started once.
for kind in test run claim chaos "claim --prod"; do
  passes_without_an_edit "$kind"
  for name in "${chosen[@]}"; do
    ! is_of_kind "$name" "$kind" || try "$name"
  done
done
tap_plan
[ "$tap_failed" = 0 ] || exit 1
