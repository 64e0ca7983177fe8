# shellcheck shell=bash
# Checks of what Nginx passes on, and to whom: a throw-away Nginx with the stack's configuration
# stands before replicas that do what a check needs.

# A replica for each SERVER, the text of a server of Nginx'. What comes of COMMAND, which asks by
# through_edge.
with_replicas() ( # SERVER… -- COMMAND…
  # shellcheck disable=SC2030 # for the command, which runs in here
  local image network=passing-$$ containers=()
  image=$(inspect nginx '{{.Config.Image}}') &&
    docker network create "$network" >/dev/null || return
  trap 'docker rm -f "${containers[@]}" >/dev/null 2>&1; docker network rm "$network" >/dev/null' \
    EXIT
  while [ "$1" != -- ]; do
    # shellcheck disable=SC2016 # the container's shell expands it
    containers+=("$(docker run -d --network "$network" --network-alias app -e "SERVER=$1" \
      --entrypoint /bin/sh "$image" -c '
        mkdir /tmp/seen && echo good >/tmp/seen/REJECTED_DRY_RUN
        echo "events {} http {
          limit_req_zone \$binary_remote_addr zone=seen:32k rate=1r/m;
          server { listen 5000; $SERVER }
        }" >/tmp/nginx.conf
        exec nginx -c /tmp/nginx.conf -g "daemon off;"')")
    shift
  done
  shift
  containers+=("$(docker run -d --network "$network" --user 101:101 --read-only --tmpfs /tmp \
    "${edge_files[@]}" --entrypoint /bin/sh "$image" /start.sh)")
  # shellcheck disable=SC2030 # for the command, which runs in here
  edge=${containers[-1]}
  within 10 through_edge -f -o /dev/null /nginx/health ||
    complain "$(docker logs "$edge" 2>&1 | tail -n 3)" || return
  "$@"
)
through_edge() { # CURL-ARGUMENT… PATH
  # shellcheck disable=SC2031 # in there
  docker exec "$edge" curl -sS -m 20 "${@:1:$#-1}" "http://127.0.0.1:8080${*: -1}"
}

# What a replica gets to see of the client, at each address that has rules of its own.
passes_on_what_it_knows() {
  # shellcheck disable=SC2016 # variables of Nginx'
  local told='$http_x_forwarded_for|$http_x_forwarded_proto|$http_host|$http_x_request_id'
  # shellcheck disable=SC2016 # variables of Nginx'
  told+='|$http_x_real_ip|$http_forwarded|$http_x_http_method_override|'
  with_replicas "return 200 \"$told\";" -- told_the_truth
}
told_the_truth() {
  local path said
  for path in / "$readable" "${ruled[@]}" /health; do
    said=$(through_edge -H 'X-Forwarded-For: 203.0.113.9' -H 'X-Forwarded-Proto: https' \
      -H 'X-Request-Id: mine' -H 'X-Real-IP: 203.0.113.9' -H 'Forwarded: for=203.0.113.9' \
      -H 'X-HTTP-Method-Override: DELETE' "$path")
    [[ $said =~ ^127\.0\.0\.1\|http\|127\.0\.0\.1\|[0-9a-f]{32}\|\|\|\|$ ]] ||
      complain "the app is told at $path: $said" || return
  done
}

# Of three replicas one hangs up, and one says that it is stopping.
another_replica_is_asked() {
  with_replicas 'return 200 good;' 'return 444;' 'return 502;' -- each_is_good
}
each_is_good() {
  local said
  for _ in $(seq 12); do
    for said in GET POST PUT; do
      said="$said: $(through_edge -X "$said" "$readable")"
      [[ $said = *": good" ]] || complain "$said" || return
    done
  done
}

# The only replica is gone at the first look, and there at the next: it is good to whoever comes
# twice within a minute.
request_is_begun_once_more() {
  # shellcheck disable=SC2016 # a variable of Nginx'
  with_replicas 'root /tmp/seen;
    location / { limit_req zone=seen; limit_req_dry_run on; try_files /$limit_req_status @gone; }
    location @gone { return 444; }' -- is_good_at_once
}
is_good_at_once() {
  local said
  said=$(through_edge "$readable")
  [ "$said" = good ] || complain "$said" || return
}

# counter:begin
# A replica that hangs up, and later hangs.
errors_are_badges() { with_replicas 'return 444;' -- errors_are_told_by_badges; }
errors_are_told_by_badges() {
  local long
  answer=$(badge_through_edge -i /badge/smoke.svg?count) && status 502 &&
    is_badge 'not available now' && has '^retry-after: 1' || return
  same_headers "$answer" "$(badge_through_edge -I /badge/smoke.svg?count)" || return
  answer=$(badge_through_edge -i /badge/smoke.json) && status 502 &&
    has '^content-type: application/json' && has '^cache-control: no-store' &&
    has '^{.*"message":"not available now","color":"c0342b","isError":true}' || return
  answer=$(badge_through_edge -i '/badge/smoke.svg?style=pixel') && status 502 &&
    has 'width="1" height="1"' && lacks '<text' || return
  answer=$(badge_through_edge -i /badge/smoke.png) && status 502 && has problem+json || return
  long=$(head -c 9000 /dev/zero | tr '\0' a)
  answer=$(badge_through_edge -i "/badge/smoke.svg?label=$long") && status 414 &&
    is_badge 'malformed request' || return
  answer=$(badge_through_edge -i -H "X-Large: $long" /badge/smoke.svg) && status 400 &&
    is_badge 'malformed request' || return
  answer=$(badge_through_edge -i --parallel --parallel-max 40 '/badge/smoke.svg?[1-1200]' |
    grep -a -A 30 '^HTTP/[0-9.]* 429' | head -n 30)
  status 429 && is_badge 'too many requests' && has '^retry-after: 1' || return
  # All but the first process, which can't be stopped from inside.
  # shellcheck disable=SC2031 # in there
  docker exec "${containers[0]}" sh -c 'kill -STOP -1'
  within 20 through_edge -f -o /dev/null /nginx/health || return
  answer=$(badge_through_edge -i /badge/smoke.svg) && status 504 &&
    is_badge 'not available now' && has '^retry-after: 1'
}
badge_through_edge() { through_edge "$@" | tr -d '\r'; }
is_badge() { # WORDS
  has '^content-type: image/svg+xml' && has '^cache-control: no-store' &&
    has "^<title id=\"t\">visits: $1[<.]" && has ">$1</text>"
}
# counter:end
