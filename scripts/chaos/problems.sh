# shellcheck shell=bash
# What a scenario found: one without a problem is ok.

problems=() skipped=""

problem() { # WHAT
  problems+=("$*")
}
skip() { # WHY
  skipped=$*
}
expect() { # WHAT LEFT OPERATOR RIGHT, as of [ ]
  local words=$3
  case $3 in
    -eq) words="just" ;;
    -ge) words="at least" ;;
    -gt) words="more than" ;;
    -le) words="at most" ;;
    -lt) words="less than" ;;
  esac
  test "$2" "$3" "$4" || problem "$1: $2 instead of $words $4"
}
scenario_begins() {
  problems=() skipped=""
}
scenario_ends() { # NAME
  local all
  if [ ${#problems[@]} -gt 0 ]; then
    all=$(printf '; %s' "${problems[@]}")
    tap_not_ok "$1: ${all#; }"
  elif [ -n "$skipped" ]; then
    tap_skip "$1" "$skipped"
  else
    tap_ok "$1"
  fi
}
