# shellcheck shell=bash
# Clients who hold on to what they have (src/load), in Nginx' own network, where each of their
# addresses counts as one client.

crowd() { # KIND PORT CONNECTIONS ADDRESSES BYTES SECONDS
  docker run --rm -u 0 --network "container:$(container nginx)" --ulimit nofile=16384 \
    -v "$PWD/target/load:/crowd:ro" --entrypoint /runtime/bin/java "$(inspect app '{{.Image}}')" \
    -cp /crowd tally.load.Crowd "$@"
}
# The most memory that a service takes while a process runs, in percent of its limit.
memory_peak_beside() { # PROCESS SERVICE
  local most=0 now
  while kill -0 "$1" 2>/dev/null; do
    now=$(docker compose ps -q "$2" | xargs docker stats --no-stream --format '{{.MemPerc}}' |
      cut -d. -f1 | sort -n | tail -n 1)
    [ "${now:-0}" -le "$most" ] || most=$now
  done
  echo "$most"
}
