# shellcheck shell=bash
# Checks of what others on the same machine, and other kernels, do to the networks.

# What a throw-away Nginx with the configuration of the stack makes of a command in its shell.
edge_alone() { # OPTION… -- COMMAND
  local options=()
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  docker run --rm --user 101:101 --read-only --tmpfs /tmp "${edge_files[@]}" "${options[@]}" \
    --entrypoint /bin/sh "$(inspect nginx '{{.Config.Image}}')" -c "$2" 2>&1
}
listens_on_ipv6() {
  inside nginx cat /proc/net/tcp6 | found -E ' 0{32}:(1F90|20FB) 0{32}:0000 0A '
}
# As on a kernel without IPv6: socket() refuses it.
starts_without_ipv6() {
  local file said
  file=$scratch/file
  cat >"$file" <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [{
    "names": ["socket"],
    "action": "SCMP_ACT_ERRNO",
    "errnoRet": 97,
    "args": [{"index": 0, "value": 10, "op": "SCMP_CMP_EQ"}]
  }]
}
END
  said=$(edge_alone --security-opt "seccomp=$file" -- '/bin/sh /start.sh -t && cat /tmp/start/*') ||
    complain "$said" || return
  answer=$said
  has 'test is successful' && has '^server ' && lacks '^listen'
}
# Every form that /etc/resolv.conf has on the engines there are.
name_servers_found() {
  local file
  file=$scratch/file
  printf '%s\n' '# a comment' 'search dns.podman' 'nameserver 10.89.0.1' 'nameserver fd00::53' \
    'nameserver fe80::1%eth0' 'options ndots:0' >"$file"
  chmod 0644 "$file"
  answer=$(edge_alone -v "$file:/etc/resolv.conf:ro" -- \
    '/bin/sh /start.sh -t && cat /tmp/start/resolver.conf') &&
    has 'test is successful' && has '^resolver 10.89.0.1 \[fd00::53\] valid' ||
    complain "$answer" || return
  echo "search none" >"$file"
  ! answer=$(edge_alone -v "$file:/etc/resolv.conf:ro" -- '/bin/sh /start.sh -t') ||
    complain "started without" || return
  has 'names no name server'
}
# One of our name that was made by hand, by another project, or by another stack of ours.
taken_network_refused() {
  local other labels said
  other=$(setting name)-taken
  local stack=(
    env -u COMPOSE_ENV_FILES
    "COMPOSE_PROJECT_NAME=$other" "APP_NETWORK=$other" HTTP_PORT=127.0.0.1: TALLY_ENV=local
    "TALLY_IMAGE=$(inspect app '{{.Config.Image}}')"
  )
  # shellcheck disable=SC2064 # of these
  trap "{
    ${stack[*]@Q} docker compose down -v -t 2
    docker network rm $other
  } >/dev/null 2>&1" RETURN
  for labels in none "another app-network" "$other app-network" "another tally-app-network"; do
    docker network create "$other" --label "com.docker.compose.project=${labels% *}" \
      --label "com.docker.compose.network=${labels#* }" >/dev/null || return
    # The newest Compose joins it, and says so; so does each where the other stack is one of ours.
    if said=$("${stack[@]}" docker compose up -d --wait --no-build 2>&1); then
      grep -q "network with name $other exists but was not created" <<<"$said" ||
        complain "joined: $labels: $said" || return
    else
      grep -q "network $other was found but has incorrect label" <<<"$said" ||
        complain "not named: $labels: $said" || return
    fi
    "${stack[@]}" docker compose down -v -t 2 >/dev/null 2>&1
    docker network rm "$other" >/dev/null || return
  done
}
proxies_are_checked() {
  answer=$(edge_alone -e 'TRUSTED_PROXIES=192.0.2.1 2001:db8::/32' -- \
    '/bin/sh /start.sh -t && cat /tmp/start/proxies.conf') &&
    has 'test is successful' && has '^set_real_ip_from 2001:db8::/32;' ||
    complain "$answer" || return
  ! answer=$(edge_alone -e 'TRUSTED_PROXIES=192.0.2.1; allow all' -- '/bin/sh /start.sh -t') ||
    complain "started with: $answer" || return
  has 'are not addresses or ranges' || return
  ! answer=$(edge_alone -e 'APP=http://app' -- '/bin/sh /start.sh -t') ||
    complain "started with: $answer" || return
  has 'is not a name and a port'
}
# Others join the network under our services' names, as they do where two projects call theirs
# app-network.
strangers_get_nothing() {
  local network stranger address seen result=0
  # shellcheck disable=SC2016 # a template of Docker's
  local names='{{range $name, $of := .NetworkSettings.Networks}}{{println $name}}{{end}}'
  network=$(inspect app "$names" | grep -v -e '_data$' -e '^$')
  stranger=$(docker run -d --network "$network" --network-alias app --network-alias redis \
    --entrypoint /bin/sh "$(inspect nginx '{{.Config.Image}}')" -c '
      echo "events {} http {
        server { listen 5000; listen 6379; location / { return 200 stranger; } }
      }" >/tmp/nginx.conf
      exec nginx -c /tmp/nginx.conf -g "daemon off;"') || return
  # shellcheck disable=SC2064 # of this container
  trap "docker rm -f $stranger >/dev/null" RETURN
  address=$(docker inspect "$stranger" \
    --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  within 10 inside app wget -q -O /dev/null "http://$address:5000/" || return
  # Nginx asks for the names every two seconds.
  sleep 3
  seen=$(
    for _ in $(seq 30); do
      "${curl[@]}" -sS -m 10 "$url/health/live"
      sleep 0.1
    done | grep -o stranger | wc -l
  )
  [ "$seen" = 0 ] || complain "another project's app was asked $seen times of 30" || result=1
  # shellcheck disable=SC2016 # the container's shell expands it
  seen=$(inside app sh -c 'nslookup "$REDIS_HOST"' | sed -n 's/^Address: \([0-9.]*\)$/\1/p' |
    sort -u)
  address=$(inspect redis '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  [ "$seen" = "$address" ] || complain "Redis is looked for at $seen" || result=1
  return $result
}
# A stack whose edge has IPv6: there Docker prefers the container's IPv6 address.
visitors_over_ipv6() {
  local other port said file=$scratch/ipv6.yaml
  other=$(setting name)-ipv6
  port=$(free_port 18080)
  local stack=(
    env -u COMPOSE_ENV_FILES "COMPOSE_FILE=compose.yaml:$file"
    "COMPOSE_PROJECT_NAME=$other" "APP_NETWORK=$other" "HTTP_PORT=$port" EDGE_IPV6=true
    "TALLY_IMAGE=$(inspect app '{{.Config.Image}}')"
  )
  # With addresses of its own: engines before 27 have none to give.
  echo 'networks: {edge: {ipam: {config: [{subnet: "fd7a:1104:c0de::/64"}]}}}' >"$file"
  # shellcheck disable=SC2064 # of this stack
  trap "${stack[*]} docker compose down -v -t 2 >/dev/null 2>&1" RETURN
  said=$("${stack[@]}" docker compose up -d --wait --no-build 2>&1) || complain "$said" || return
  answer=$(curl -6 -g -sS -i -m 10 "http://[::1]:$port/health" | tr -d '\r') && status 200 || return
  within 5 "${stack[@]}" sh -c "
    docker compose logs --no-log-prefix nginx | grep '\"client\":\"[0-9a-f]*:[0-9a-f:]*\"'"
}
