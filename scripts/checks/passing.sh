# shellcheck shell=bash
# Checks of what Nginx passes on, and to whom: a throw-away Nginx with the stack's configuration stands before replicas that
# do what a check needs.

# with_replicas SERVER… -- COMMAND…: a replica for each SERVER, the text of a server of Nginx'. What comes of COMMAND, which
# asks by through_edge.
with_replicas() (
  local image network=passing-$$ containers=()
  image=$(inspect nginx '{{.Config.Image}}') && docker network create "$network" >/dev/null || return
  trap 'docker rm -f "${containers[@]}" >/dev/null 2>&1; docker network rm "$network" >/dev/null' EXIT
  while [ "$1" != -- ]; do
    # shellcheck disable=SC2016 # the container's shell expands it
    containers+=("$(docker run -d --network "$network" --network-alias app -e "SERVER=$1" --entrypoint /bin/sh "$image" -c '
      mkdir /tmp/seen && echo good >/tmp/seen/REJECTED_DRY_RUN
      echo "events {} http { limit_req_zone \$binary_remote_addr zone=seen:32k rate=1r/m; server { listen 5000; $SERVER } }" >/tmp/nginx.conf
      exec nginx -c /tmp/nginx.conf -g "daemon off;"')")
    shift
  done
  shift
  containers+=("$(docker run -d --network "$network" --user 101:101 --read-only --tmpfs /tmp --entrypoint /bin/sh \
    -v "$PWD/nginx.conf:/etc/nginx/nginx.conf:ro" -v "$PWD/scripts/nginx.sh:/start.sh:ro" \
    -v "$PWD/conf/local/nginx:/etc/nginx/environment:ro" "$image" /start.sh)")
  edge=${containers[-1]}
  within 10 through_edge -f -o /dev/null /nginx/health || { docker logs "$edge" 2>&1 | tail -n 3; return 1; }
  "$@"
)
through_edge() { docker exec "$edge" curl -sS -m 20 "${@:1:$#-1}" "http://127.0.0.1:8080${*: -1}"; }

# What a replica gets to see of the client, at each address that has rules of its own.
passes_on_what_it_knows() {
  # shellcheck disable=SC2016 # variables of Nginx'
  with_replicas 'return 200 "$http_x_forwarded_for|$http_x_forwarded_proto|$http_host|$http_x_request_id|$http_x_real_ip|$http_forwarded|$http_x_http_method_override|";' -- \
    told_the_truth
}
told_the_truth() {
  local path said
  for path in / /api/visits /api/session /api/stats /api/events /health; do
    said=$(through_edge -H 'X-Forwarded-For: 203.0.113.9' -H 'X-Forwarded-Proto: https' -H 'X-Request-Id: mine' -H 'X-Real-IP: 203.0.113.9' \
      -H 'Forwarded: for=203.0.113.9' -H 'X-HTTP-Method-Override: DELETE' "$path")
    [[ $said =~ ^127\.0\.0\.1\|http\|127\.0\.0\.1\|[0-9a-f]{32}\|\|\|\|$ ]] || { echo "the app is told at $path: $said"; return 1; }
  done
}

# Of three replicas one hangs up, and one says that it is stopping.
another_replica_is_asked() { with_replicas 'return 200 good;' 'return 444;' 'return 502;' -- each_is_good; }
each_is_good() {
  local said
  for _ in $(seq 12); do
    for said in GET POST PUT; do
      said="$said: $(through_edge -X "$said" /api/visits/smoke)"
      [[ $said = *": good" ]] || { echo "$said"; return 1; }
    done
  done
}

# The only replica is gone at the first look, and there at the next: it is good to whoever comes twice within a minute.
request_is_begun_once_more() {
  # shellcheck disable=SC2016 # a variable of Nginx'
  with_replicas 'root /tmp/seen; location / { limit_req zone=seen; limit_req_dry_run on; try_files /$limit_req_status @gone; } location @gone { return 444; }' -- \
    is_good_at_once
}
is_good_at_once() {
  local said
  said=$(through_edge /api/visits)
  [ "$said" = good ] || { echo "$said"; return 1; }
}
