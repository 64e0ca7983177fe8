# shellcheck shell=bash
# The ports of this machine.

port_answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
free_port() { # FIRST: it, or the next one where nothing answers
  local port=$1
  while port_answers "$port"; do
    port=$((port + 1))
  done
  echo "$port"
}
