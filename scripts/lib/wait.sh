# shellcheck shell=bash
# Waiting, never without an end.

within() { # SECONDS COMMAND…: repeats it until it succeeds
  local end=$(($(date +%s%N) + $1 * 1000000000))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$(date +%s%N)" -ge "$end" ]; then
      echo "not in time: $*"
      return 1
    fi
    sleep 0.2
  done
}
# What the clock says.
millis() {
  echo $(($(date +%s%N) / 1000000))
}
