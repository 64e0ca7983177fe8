# shellcheck shell=bash
# Locks, so that two scripts don't change the same thing at once.

# One at a time, for the rest of this script and for what it has under way. Else it ends with a
# message that names who is at it. The kernel frees the lock when the last of these ends, however
# they end.
next_lock=9
lock() { # NAME [shared]
  local file=.data/locks/$1
  mkdir -p .data/locks
  # Not emptied yet: it may be another's, and says whose.
  eval "exec $next_lock>>\"\$file\""
  take "$next_lock" "${2:-}" || fail "$(cat "$file") is at work here; wait until it is done"
  echo "$command, process $$, since $(date +%H:%M:%S)," >"$file"
  next_lock=$((next_lock - 1))
}
take() { # FD [shared]
  if command -v flock >/dev/null; then
    flock -n ${2:+-s} "$1"
    return
  fi
  # macOS has the call, but no such program. The lock is the open file's, so it outlives perl.
  perl -e '
    use Fcntl ":flock";
    open(my $file, ">&=", $ARGV[0]) or exit 1;
    flock($file, ($ARGV[1] ? LOCK_SH : LOCK_EX) | LOCK_NB) or exit 1' "$1" "${2:-}"
}
