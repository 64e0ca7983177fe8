# shellcheck shell=bash
# The Test Anything Protocol, as every check here prints it: a line "ok 1 - what was seen", or
# "not ok 2 - what was not" with the reasons below it, and the plan at the end.

tap_number=0 tap_failed=0
# Empty for one who prints between the lines of others, which have numbers of their own.
tap_numbered=yes

tap_line() { # ok|'not ok' WHAT
  tap_number=$((tap_number + 1))
  echo "$1${tap_numbered:+ $tap_number} - $2"
}
tap_ok() { # WHAT
  tap_line ok "$1"
}
tap_skip() { # WHAT WHY
  tap_ok "$1 # SKIP $2"
}
tap_not_ok() { # WHAT [REASONS]
  tap_failed=$((tap_failed + 1))
  tap_line "not ok" "$1"
  [ -z "${2:-}" ] || echo "#   ${2//$'\n'/$'\n'#   }"
}
# What is no result.
tap_say() {
  echo "# $*"
}
tap_took() { # SECONDS-AT-ITS-BEGINNING LEAST: how long it took, where that was long
  local took=$((SECONDS - $1))
  [ "$took" -lt "$2" ] || tap_say "took $took s"
}
# How many there were: so a reader sees if some are missing.
tap_plan() {
  echo "1..$tap_number"
}
# What several printed, one after the other, as that of one. Exit status 1 if one was not ok.
tap_joined() {
  awk '
    /^1\.\.[0-9]+$/ { next }
    /^(not )?ok / { number++; if (/^not/) failed++; sub(/ok [0-9]+/, "ok " number) }
    { print; fflush() }
    END { print "1.." number; exit failed > 0 }'
}
# A check that fails says why.
complain() { # LINE…
  printf '%s\n' "$@"
  return 1
}
