#!/bin/sh
# redis.sh ARGUMENT…: starts Redis with these arguments, after a look at its log; the entry point of
# Redis' container.
#
# A power cut may leave zeros or garbage where the last second was to be written, and Redis would
# refuse to start. What follows the last whole command is cut off then, and the damaged log kept
# beside it, the last two of them. The log says the time of its commands; where more than the last
# two seconds, or than 16 MB, would be lost it is not touched, and Redis does not start:
# scripts/restore.sh puts a backup in its place.
# The log is that in the folder DATA (/data); REDIS (redis-server) and CHECK (redis-check-aof) are
# the programs.
set -eu
[ "${1:-}" != --help ] || {
  sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'
  exit 0
}

redis=${REDIS:-redis-server} check=${CHECK:-redis-check-aof}
cd "${DATA:-/data}"
most_bytes=16777216 most_seconds=2

say() {
  echo "redis.sh: $*"
}
stop() {
  say "$*. Nothing was changed. scripts/restore.sh puts a backup in its place"
  # Docker starts it again at once, and this would be said a hundred times.
  sleep 10
  exit 1
}
newest_time() {
  tr '\0' '\n' | sed -n 's/^#TS:\([0-9][0-9]*\).*/\1/p' | tail -n 1
}
has_commands() {
  [ "$(tr '\0' '\n' | grep -c '^\*[1-9]')" != 0 ]
}

mend() {
  said=$("$check" appendonlydir/appendonly.aof.manifest 2>&1) && return
  analyzed='AOF analyzed: filename=\([^,]*\), size=\([0-9]*\), ok_up_to=\([0-9]*\),.*'
  found=$(echo "$said" | sed -n "s/^$analyzed/\1 \2 \3/p" | tail -n 1)
  last=$(sed -n 's/^file \([^ ]*\) seq [0-9]* type i.*/\1/p' \
    appendonlydir/appendonly.aof.manifest | tail -n 1)
  # shellcheck disable=SC2086 # three words
  set -- $found
  if [ $# != 3 ] || [ "$1" != "$last" ] || [ "$3" -ge "$2" ]; then
    stop "the log is damaged: $(echo "$said" | tail -n 1)"
  fi
  log=appendonlydir/$1 good=$3 cut=$(($2 - $3))
  where="$log is damaged at byte $good of $2"
  [ "$cut" -le "$most_bytes" ] || stop "$where, which is not its end"
  before=$(head -c "$good" "$log" | newest_time)
  after=$(tail -c "$cut" "$log" | newest_time)
  if [ -n "$after" ]; then
    [ $((after - ${before:-0})) -le "$most_seconds" ] ||
      stop "$where, and later commands follow, the last $((after - ${before:-0})) s after it"
  elif [ -z "$before" ] && tail -c "$cut" "$log" | tail -n +2 | has_commands; then
    # A log without times, as other versions of Redis write it.
    stop "$where, and other commands follow"
  fi
  kept=damaged-$(date +%Y%m%d-%H%M%S).aof
  # shellcheck disable=SC2012 # names of our own
  ls -t damaged-*.aof 2>/dev/null | tail -n +2 | while read -r old; do
    rm -f "$old"
  done
  if ! cp "$log" "$kept"; then
    rm -f "$kept"
    stop "$where, and there is no room for a copy of it"
  fi
  truncate -s "$good" "$log"
  sync
  say "$where; the last $cut bytes were cut off, as after a power cut." \
    "The damaged log is kept as $PWD/$kept"
}

if [ -e appendonlydir/appendonly.aof.manifest ] && command -v "$check" >/dev/null; then
  mend
fi
exec "$redis" "$@"
