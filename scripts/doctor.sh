#!/usr/bin/env bash
# doctor.sh [--dev|--prod]: looks at this machine as the stack needs it, a line for each finding.
#
# "ok" is fine. "note" works, with what the line says. "stop" keeps the stack from starting or from
# answering, and the line says what to do. Changes nothing, and starts nothing but a Redis that
# prints its version. For the stack as the variables here describe it (HTTP_PORT, APP_NETWORK …);
# --dev and --prod: for that of conf/dev/.env and conf/prod/.env.
# Exit status 1 if a line says stop.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

environment=local
case ${1:-} in
  --dev) export COMPOSE_ENV_FILES=conf/dev/.env ;;
  --prod)
    export COMPOSE_ENV_FILES=conf/prod/.env
    environment=prod
    ;;
  "") ;;
  *) misuse "unknown argument $1; see --help" ;;
esac
cd "$(dirname "$0")/.."
. scripts/lib/ports.sh
stops=0
ok() {
  echo "ok   - $*"
}
note() {
  echo "note - $*"
}
stop() {
  stops=$((stops + 1))
  echo "stop - $*"
}
# The rest can't be asked.
end() {
  echo "# $stops to mend before the stack can start"
  exit 1
}
at_least() { # VERSION LEAST
  printf '%s\n' "$2" "$1" | sort -V -C
}

# ---- the engine ----

if ! command -v docker >/dev/null; then
  stop "there is no docker here: https://docs.docker.com/engine/install," \
    "or run Tally without it: scripts/run.sh"
  end
fi
server='{{.Server.Version}} {{.Server.APIVersion}} {{range .Server.Components}}{{.Name}},{{end}}'
if ! said=$(docker version --format "$server" 2>&1); then
  case $said in
    *"ermission denied"*)
      stop "you may not ask the engine: sudo usermod -aG docker $(id -un), then log in anew"
      ;;
    *)
      stop "no engine answers: systemctl start docker, or start Docker Desktop (${said##*$'\n'})"
      ;;
  esac
  end
fi
read -r version api components <<<"$said"
podman=
[[ $components != *Podman* ]] || podman=yes
if [ -n "$podman" ]; then
  if at_least "$version" 5.0; then
    ok "Podman $version"
  else
    stop "Podman $version is too old: it needs 5.0"
  fi
elif at_least "$api" 1.44; then
  ok "Docker Engine $version"
elif [ -n "${TALLY_IMAGE:-}" ]; then
  note "Docker Engine $version is too old to build the image, but not to run $TALLY_IMAGE"
else
  stop "Docker Engine $version is too old to build the image:" \
    "it needs 25 (https://docs.docker.com/engine/install)"
fi
info() { # FIELD
  docker info --format "{{$1}}" 2>/dev/null || true
}

if ! compose=$(docker compose version --short 2>/dev/null); then
  stop "there is no docker compose: install your system's docker-compose-plugin;" \
    "docker-compose with a dash is too old"
  end
fi
compose=${compose#v}
if at_least "${compose%%[-+]*}" 2.24; then
  ok "Docker Compose $compose"
else
  stop "Docker Compose $compose is too old: it needs 2.24"
fi
if ! config=$(docker compose config 2>&1); then
  stop "the compose files can't be read: ${config##*$'\n'}"
  end
fi
project=$(sed -n 's/^name: //p' <<<"$config" | head -n 1)

if [ "$(info .CgroupDriver)" = none ]; then
  note "the engine can limit no container, so none has limits" \
    "(rootless needs cgroup v2 and systemd for them)"
elif [ "$(info .CPUCfsQuota)" = false ]; then
  stop "the kernel knows no CPU quota (\"NanoCPUs can not be set\"):" \
    "put CPU_LIMIT=0 in front of the command"
else
  ok "containers can be limited to a part of the CPU"
fi
for limit in MemoryLimit PidsLimit; do
  [ "$(info .CgroupDriver)" = none ] || [ "$(info ".$limit")" != false ] ||
    note "the kernel has no $limit for containers, so they have none" \
      "(Raspberry Pi: cgroup_enable=memory in cmdline.txt)"
done
memory=$(info .MemTotal)
if [ "${memory:-0}" -gt 900000000 ]; then
  ok "the engine has $((memory / 1000000)) MB of memory"
else
  note "the engine has $((${memory:-0} / 1000000)) MB of memory;" \
    "together the containers may take 896 MB, and the build more"
fi

security=$(info .SecurityOptions) root=$(info .DockerRootDir)
if [[ $security = *name=rootless* || $security = *rootless:true* ]]; then
  note "the engine is rootless: all clients may have one address, and so one limit of requests"
fi
if [[ $security = *name=userns* ]]; then
  note "the engine maps users: files must be readable by others (see below)"
fi
if [[ "$root $(command -v docker)" = *snap* ]]; then
  note "Docker is Ubuntu's snap; where containers end with \"operation not permitted\"," \
    "use Docker's own packages"
fi
enforcing=$(getenforce 2>/dev/null || true)
if [[ $enforcing = Enforcing && ($security = *name=selinux* || $security = *selinux:true*) ]]; then
  note "SELinux is on; where a secret is \"Permission denied\":" \
    "chcon -Rt container_file_t conf/$environment/secrets"
fi

# ---- this machine ----

# The date of the newest file here is in the past, or the clock is wrong: certificates would not be
# valid yet.
soon=@$(($(date +%s) + 60))
ahead=$(find compose.yaml nginx.conf conf scripts -newermt "$soon" -print -quit 2>/dev/null || true)
if [ -n "$ahead" ]; then
  note "the clock says $(date -u +%FT%TZ), which is before the files here were written"
fi
engine=$(date -d "$(info .SystemTime)" +%s 2>/dev/null || true)
apart=$((${engine:-$(date +%s)} - $(date +%s)))
if [ "${apart#-}" -gt 30 ]; then
  note "the engine's clock is $apart s off this machine's:" \
    "restart Docker Desktop or its virtual machine"
else
  ok "the clocks agree"
fi

# A port may be taken by this stack itself.
own=$(docker ps -q --filter "label=com.docker.compose.project=$project" |
  xargs -r docker inspect \
    --format '{{range .HostConfig.PortBindings}}{{range .}} :{{.HostPort}}: {{end}}{{end}}')
least=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 0)
published=$(docker compose config --format json | tr -d ' \n' | grep -o '"published":"[0-9]*"' |
  grep -o '[0-9]*' || true)
for port in $published; do
  if grep -q ":$port:" <<<"$own"; then
    ok "port $port is this stack's"
  elif port_answers "$port"; then
    stop "another server has port $port:" \
      "HTTP_PORT=8080 docker compose up -d --wait (other ports: conf/*/.env)"
  elif [[ $security = *rootless* && $port -lt $least ]]; then
    stop "a rootless engine may not take port $port:" \
      "HTTP_PORT=8080, or sysctl net.ipv4.ip_unprivileged_port_start=$port"
  else
    ok "port $port is free"
  fi
done

in_networks='/^networks:/,$ { /^  tally-app-network:/,/^  [a-z]*:$/ s/^    name: //p; }'
network=$(sed -n "$in_networks" <<<"$config" | head -n 1)
label=com.docker.compose
owner="{{index .Labels \"$label.project\"}} {{index .Labels \"$label.network\"}} {{.Internal}}"
if owner=$(docker network inspect "$network" --format "$owner" 2>/dev/null); then
  case $owner in
    "$project tally-app-network true") ok "network $network is this stack's" ;;
    "$project "*)
      stop "network $network is of an earlier version of this stack:" \
        "docker compose down, docker network rm $network"
      ;;
    *)
      stop "network $network is there already, and not this stack's:" \
        "APP_NETWORK=$project-network docker compose up -d --wait"
      ;;
  esac
else
  ok "network $network is to be made"
fi

# ---- the files ----

# What is mounted is read by other users than you. Secrets are files 0444 in a folder that you alone
# can open.
hidden=$(find nginx.conf scripts/nginx.sh conf src/main/resources/public \
  \( -path conf/prod/secrets -o -path conf/prod/certs \) -prune -o \
  \( -type d ! -perm -0005 -o -type f ! -perm -0004 \) -print -quit)
if [ -n "$hidden" ]; then
  stop "containers can't read $hidden: chmod -R go+rX conf nginx.conf scripts src"
else
  ok "containers can read what is mounted"
fi
returns=$(grep -rlI $'\r$' nginx.conf scripts conf --exclude-dir=certs 2>/dev/null |
  head -n 1 || true)
if [ -n "$returns" ]; then
  stop "$returns has the line ends of Windows: git config core.autocrlf false," \
    "then git rm -rq --cached . and git reset --hard"
else
  ok "line ends are those of Linux"
fi
for secret in conf/local/secrets/*-password; do
  [ -s "conf/$environment/secrets/${secret##*/}" ] ||
    stop "conf/$environment/secrets/${secret##*/} is missing: scripts/secrets.sh"
done

# ---- Redis ----

redis=$(docker compose config --images 2>/dev/null | grep -i -e redis -e valkey | head -n 1 || true)
if [ -n "$redis" ] && docker image inspect "$redis" >/dev/null 2>&1; then
  said=$(docker run --rm --entrypoint redis-server "$redis" --version 2>/dev/null |
    sed -n 's/.* v=\([0-9.]*\) .*/\1/p')
  # The least without known holes of each line.
  case $said in
    8.0.*) least=8.0.4 ;;
    8.2.*) least=8.2.6 ;;
    8.4.*) least=8.4.3 ;;
    *) least=8.6.3 ;;
  esac
  if [ -z "$said" ]; then
    note "$redis does not say its version"
  elif at_least "$said" "$least"; then
    ok "Redis $said"
  else
    note "Redis $said has known holes; $least has not: docker compose pull redis"
  fi
fi

[ "$stops" = 0 ] || end
echo "# nothing here keeps the stack from starting"
