#!/usr/bin/env bash
# chaos.sh [--list] [--short] [--random-third [SEED]] [SCENARIO…]: causes bad days on the running
# local stack, under load, and says what was lost; one TAP line for each scenario, with its figures
# above it. Without a scenario: all.
#
# The load is 64 connections on 127.0.0.1, through Nginx, as of so many visitors: for the time of
# the run this machine is a trusted proxy of conf/local, whose rate limits stay as they are. It
# counts visits, restarts and kills containers, and leaves the stack with as many replicas as it
# found. --short: less load, for CI. --random-third: a third of the scenarios, for CI as well; it
# prints its seed, and takes one.
set -uo pipefail
. "$(dirname "$0")/lib/command.sh"

cd "$(dirname "$0")/.." || exit 2
. scripts/lib/ask.sh
. scripts/lib/service.sh
. scripts/lib/chance.sh
. scripts/lib/crowd.sh
. scripts/lib/redis.sh
. scripts/lib/stack.sh
. scripts/lib/tap.sh
. scripts/lib/wait.sh
. scripts/chaos/problems.sh
. scripts/chaos/load.sh
. scripts/chaos/state.sh
# Each names its scenarios, in the order in which they run.
all=""
. scripts/chaos/replicas.sh
. scripts/chaos/rollouts.sh
. scripts/chaos/redis.sh
. scripts/chaos/edge.sh

# How long a load lasts, and how many requests are hostile.
seconds=15 hostile=200000
scenarios="" short="" seed=""
for argument; do
  case $argument in
    --list)
      xargs -n 1 <<<"$all"
      exit 0
      ;;
    --short) short=yes seconds=4 hostile=20000 ;;
    --random-third) seed=$RANDOM ;;
    [0-9]*) seed=$argument ;;
    *)
      [[ "$all " = *" $argument "* ]] || misuse "unknown argument $argument; see --help and --list"
      scenarios="$scenarios $argument"
      ;;
  esac
done
environment=${TALLY_ENV:-local}
[ "$environment" = local ] || misuse "only for the local stack"
port=${HTTP_PORT:-80} connections=64
url=http://127.0.0.1:$port curl=(curl)
if ! healthy; then
  echo "Bail out! Nothing healthy answers at $url; docker compose up -d --wait starts the stack"
  exit 1
fi
classes=$(scripts/load.sh) || exit 1
java=$(scripts/java.sh)
replicas=$(docker compose ps -q app | wc -l)
work=$(mktemp -d)

scenario=""
at_end() {
  # A second Ctrl-C must not leave half of it.
  trap '' INT TERM
  [ -z "$scenario" ] || end_scenario "$scenario"
  rm -rf "$trusted" "$work"
  reload_nginx
}
trap at_end EXIT
trap 'exit 130' INT TERM
keep_env
become_trusted

[ -z "$seed" ] || third_begins "$seed"
for scenario in ${scenarios:-$all}; do
  [ -z "$seed" ] || in_third || continue
  began=$SECONDS
  scenario_begins
  "$scenario"
  end_scenario "$scenario"
  scenario_ends "$scenario"
  tap_took "$began" 0
done
scenario=""
tap_plan
if [ "$tap_failed" != 0 ]; then
  tap_say "$tap_failed of $tap_number went wrong"
  exit 1
fi
