# shellcheck shell=bash
# How the stack is while nothing goes wrong: each scenario begins and ends with it.

# This machine as a trusted proxy.
trusted=conf/local/nginx/http/chaos-trusted-proxy.conf

reload_nginx() {
  docker compose kill -s HUP nginx >/dev/null 2>&1
  sleep 2
}
# What Nginx' log says of who asked.
own_address() {
  local id
  id=$(ask "$url/static/tally.css" | sed -n 's/^X-Request-Id: //pI')
  # The log is written every second.
  sleep 2
  docker compose logs --no-log-prefix nginx |
    sed -n "s/.*\"id\":\"$id\",\"client\":\"\([^\"]*\)\".*/\1/p"
}
become_trusted() {
  printf 'set_real_ip_from %s;\nreal_ip_header X-Forwarded-For;\n' "$(own_address)" >"$trusted"
  reload_nginx
}
replica_ids() {
  docker compose ps -aq --no-trunc app | sort
}
scale() { # REPLICAS
  local before
  before=$(replica_ids)
  docker compose up -d --no-recreate --scale "app=$1" --wait >/dev/null 2>&1
  # Nginx asks for their addresses every two seconds.
  [ "$(replica_ids)" = "$before" ] || sleep 3
}
# scripts/rollout.sh writes into .env.
keep_env() {
  [ ! -e .env ] || cp -p .env "$work/env"
}
put_env_back() {
  if [ -e "$work/env" ]; then
    cp -p "$work/env" .env
  else
    rm -f .env
  fi
}
# What the scenario left, also where it was interrupted. One that leaves more than pauses and a
# number of replicas has a function NAME-undo.
end_scenario() { # NAME
  stop_load
  docker compose unpause redis >/dev/null 2>&1
  docker compose kill -s CONT app >/dev/null 2>&1
  ! declare -F "$1-undo" >/dev/null || "$1-undo"
  put_env_back
  scale "$replicas"
}
