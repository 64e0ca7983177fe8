# shellcheck shell=bash
# Checks of doctor.sh: it must see what stops a start, each caused for real.

# The doctor, run so, must stop at a line with WHAT.
stopped() { # WHAT COMMAND…
  local what=$1 said
  shift
  ! said=$("$@" scripts/doctor.sh ${dev:+--dev} ${prod:+--prod} 2>&1) ||
    complain "not seen: $what: $said" || return
  grep -q "^stop - .*$what" <<<"$said" || complain "no stop for $what in: $said" || return
}
doctor_knows() {
  local said network file port
  said=$(scripts/doctor.sh ${dev:+--dev} ${prod:+--prod} 2>&1) || complain "$said" || return
  grep -q '^ok .*engine\|^ok .*Engine\|^ok .*Podman' <<<"$said" && ! grep -q ^stop <<<"$said" ||
    complain "$said" || return
  network=doctor-$$ file=conf/$environment/nginx/doctor
  docker network create "$network" >/dev/null || return
  port=$(free_port 18180)
  docker run -d --rm --name "$network" -p "127.0.0.1:$port:9" --entrypoint sleep \
    "$(inspect nginx '{{.Config.Image}}')" 60 >/dev/null
  # shellcheck disable=SC2064 # of these
  trap "docker rm -f $network >/dev/null; docker network rm $network >/dev/null; rm -f $file" RETURN
  stopped "network $network is there already" env "APP_NETWORK=$network" || return
  stopped "another server has port $port" env "HTTP_PORT=$port" || return
  stopped "no engine answers" env DOCKER_HOST=tcp://127.0.0.1:9 || return
  stopped "can't be read" env APP_NETWORK=/ HTTP_PORT=none || return
  echo 'x' >"$file" && chmod 0600 "$file"
  stopped "can't read $file" env || return
  printf 'x\r\n' >"$file" && chmod 0644 "$file"
  stopped "$file has the line ends of Windows" env
}
