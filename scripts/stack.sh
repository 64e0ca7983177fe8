# shellcheck shell=bash
# What the scripts share that change a stack: its names, and locks. To be sourced, in the repository's folder.

# setting PATH…: what Compose makes of compose.yaml, such as `setting services app image`.
setting() {
  docker compose config | awk -v path="$*" '
    BEGIN { depth = split(path, wanted, " "); at = 1 }
    {
      indent = match($0, /[^ ]/) - 1
      while (at > 1 && indent < 2 * (at - 1)) at--
      if (indent == 2 * (at - 1) && $1 == wanted[at] ":") {
        if (at == depth) { $1 = ""; sub(/^ /, ""); gsub(/^"|"$/, ""); print; exit }
        at++
      }
    }'
}

# lock NAME [shared]: one at a time, for the rest of this script and for what it has under way; else ends it with a
# message that names who is at it. The kernel frees it when the last of these ends, however they end.
next_lock=9
lock() {
  local file=.data/locks/$1
  mkdir -p .data/locks
  # Not emptied yet: it may be another's, and says whose.
  eval "exec $next_lock>>\"\$file\""
  if ! take "$next_lock" "${2:-}"; then
    echo "$(basename "$0"): $(cat "$file") is at work here; wait until it is done" >&2
    exit 1
  fi
  echo "$(basename "$0"), process $$, since $(date +%H:%M:%S)," >"$file"
  next_lock=$((next_lock - 1))
}
take() { # FD [shared]
  if command -v flock >/dev/null; then
    flock -n ${2:+-s} "$1"
  else
    # macOS has the call, but no such program. The lock is the open file's, so it outlives this helper.
    perl -e 'use Fcntl ":flock"; open(my $file, ">&=", $ARGV[0]) && flock($file, ($ARGV[1] ? LOCK_SH : LOCK_EX) | LOCK_NB) or exit 1' \
      "$1" "${2:-}"
  fi
}
