# shellcheck shell=bash
# The stack that Compose makes of the files here, and its containers.

# What Compose makes of compose.yaml, such as `setting services app image`.
setting() { # PATH…
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
# How one types `docker compose` for the stack that is chosen.
compose_by_hand() {
  echo "docker compose${COMPOSE_ENV_FILES:+ --env-file $COMPOSE_ENV_FILES}"
}
container() { # SERVICE: the first of its containers
  docker compose ps -q "$1" | head -n 1
}
inspect() { # SERVICE TEMPLATE
  docker inspect --format "$2" "$(container "$1")"
}
inside() { # SERVICE COMMAND…
  local service=$1
  shift
  docker compose exec -T "$service" "$@"
}
# The connections that the replicas have taken since they started.
connections_taken() {
  docker compose ps -q app |
    while read -r replica; do
      docker exec "$replica" cat /proc/net/snmp
    done |
    awk '/^Tcp: [0-9]/ { sum += $7 } END { print sum + 0 }'
}
address_of() { # CONTAINER
  docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$1" |
    cut -d' ' -f1
}
