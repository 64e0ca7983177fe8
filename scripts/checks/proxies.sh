# shellcheck shell=bash
# Checks of a stack that has proxies in front. It is one of its own, of the image that runs, until
# proxies_end.

# A proxy on the edge network, which says of itself what proxies say. Its ports: 8080 passes all on,
# 8081 takes /tally away first, as a proxy that ends TLS does: its word for that is SCHEME.
proxy() { # NAME NETWORK NEXT SCHEME [OPTION…]
  docker run -d --name "$1" --network "$2" "${@:5}" --entrypoint /bin/sh \
    "$(inspect nginx '{{.Config.Image}}')" -c "
    echo 'events {} http {
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host \$http_host;
      proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $4;
      server { listen 8080; location / { proxy_pass http://$3:8080; } }
      server {
        listen 8081;
        absolute_redirect off;
        location /tally/ { proxy_pass http://$3:8080/; }
      }
    }' >/tmp/nginx.conf
    exec nginx -c /tmp/nginx.conf -g 'daemon off;'" >/dev/null
}
behind_proxies() {
  [ -z "$list" ] || return 0
  proxied=$(setting name)-proxied
  local edge=${proxied}_edge
  proxied_folder=$(mktemp -d)
  past_proxies=127.0.0.1:$(free_port 18380)
  # With a tenth of the limits, which a slow machine can reach, too.
  sed -E 's/(rate|burst)=([0-9]+)0(r| )/\1=\2\3/' \
    conf/local/nginx/http/limits.conf >"$proxied_folder/limits.conf"
  cat >"$proxied_folder/edge.yaml" <<END
services:
  nginx:
    volumes: ["$proxied_folder/limits.conf:/etc/nginx/environment/http/limits.conf:ro,z"]
networks:
  edge: {ipam: {config: [{subnet: "10.211.77.0/24"}]}}
END
  proxied_stack=(
    env -u COMPOSE_ENV_FILES "COMPOSE_FILE=compose.yaml:$proxied_folder/edge.yaml"
    "COMPOSE_PROJECT_NAME=$proxied" "APP_NETWORK=$proxied" "HTTP_PORT=$past_proxies"
    "TRUSTED_PROXIES=192.0.2.9, 10.211.77.128/25" BASE_PATH=/tally
    "TALLY_IMAGE=$(inspect app '{{.Config.Image}}')"
  )
  # Of a run that was ended.
  docker rm -f "$proxied-first" "$proxied-second" >/dev/null 2>&1
  "${proxied_stack[@]}" docker compose down -v -t 2 >/dev/null 2>&1
  {
    "${proxied_stack[@]}" docker compose up -d --wait --no-build &&
      proxy "$proxied-second" "$edge" nginx "\$http_x_forwarded_proto" --ip 10.211.77.201 &&
      proxy "$proxied-first" "$edge" 10.211.77.201 https --ip 10.211.77.200 &&
      within 10 curl -fsS -o /dev/null http://10.211.77.200:8080/health
  } >"$proxied_folder/said" 2>&1
  proxied_starts=$?
}
proxies_end() {
  [ -n "${proxied_folder:-}" ] || return 0
  docker rm -f "$proxied-first" "$proxied-second" >/dev/null 2>&1
  "${proxied_stack[@]}" docker compose down -v -t 2 >/dev/null 2>&1
  rm -rf "$proxied_folder"
  proxied_folder=
}
# Asks as slowly as the limits want it.
calmly() { # OPTION… URL
  for _ in $(seq 100); do
    answer=$(ask "$@")
    grep -q '^HTTP/[0-9.]* 429' <<<"$answer" || return 0
    sleep 0.2
  done
  complain "refused for too long: $*"
}
proxied_stack_runs() {
  [ "$proxied_starts" = 0 ] || complain "$(cat "$proxied_folder/said")"
}

# A browser's request, with a lie about itself.
page() { # ADDRESS
  ask -A Firefox -H 'Accept: text/html' -H 'X-Forwarded-For: 203.0.113.7' \
    -H 'X-Forwarded-Proto: https' "http://$1/"
}
seen_from() { # ADDRESS: what the log says of the last answer
  local id
  id=$(sed -n 's/^X-Request-Id: //pI' <<<"$answer")
  "${proxied_stack[@]}" docker compose logs --no-log-prefix nginx |
    found "\"id\":\"$id\",\"client\":\"$1\""
}
# The first ends TLS: as if, since what counts is what it says.
named_proxies_believed() {
  proxied_stack_runs || return
  answer=$(page 10.211.77.200:8080) && status 200 && has '^set-cookie: tally-session=.*; Secure' &&
    within 5 seen_from 10.211.77.1 || return
  # The same, past the proxies.
  answer=$(page "$past_proxies") && status 200 && has '^set-cookie: tally-session=' &&
    lacks '; Secure' && within 5 seen_from 10.211.77.1
}
whole_under_a_path() {
  local port site part parts cookie
  proxied_stack_runs || return
  for port in 8080 8081; do
    site=http://10.211.77.200:$port/tally
    # Without the slash the browser would look for the parts beside it.
    calmly "$site?a=b" && status 301 && has '^location: \(http://[^/]*\)\?/tally/?a=b$' ||
      complain "at $site" || return
    calmly -A Firefox -H 'Accept: text/html' "$site/" && status 200 &&
      has '^set-cookie: tally-session=[0-9a-f]*; Path=/tally/;' || return
    cookie=$(sed -n 's/^set-cookie: \([^;]*\);.*/\1/pI' <<<"$answer")
    # What it loads and leads to, and what its script asks for, found as a browser would.
    parts=$(grep -o -E '(href|src)="[^"]*"' <<<"$answer" | sed 's/.*="//; s/"$//' |
      grep -v '^https:')
    calmly "$site/static/tally.js"
    parts+=$'\n'$(grep -o -E '(ask|EventSource)\("[^"]*"' <<<"$answer" | sed 's/.*("//; s/"$//')
    [ "$(wc -l <<<"$parts")" -ge 12 ] || complain "too few parts: $parts" || return
    for part in $parts; do
      case $part in
        /*)
          echo "$part is not under $site"
          return 1
          ;;
        api/events) continue ;;
      esac
      calmly -b "$cookie" "$site/$part" && status 200 || complain "$part at $site" || return
    done
    # Through proxies that hold answers back: not this one.
    sleep 2
    answer=$(
      {
        sleep 1
        curl -fsS "$site/" >/dev/null
      } &
      curl -sS -i -N -m 4 "$site/api/events" 2>/dev/null
    )
    [ "$(grep -c '^event: visit' <<<"$answer")" -ge 2 ] ||
      complain "no event for the visit at $site: $answer" || return
    calmly -X DELETE -b "$cookie" "$site/api/session" && status 204 &&
      has '; Path=/tally/' || return
    calmly -X POST "$site/api/visits/home" && status 200 && has '"page":"home"' || return
    calmly "$site/no/such" && status 404 && has problem+json || return
  done
}
limits_hold_under_a_path() {
  local path
  proxied_stack_runs || return
  # At both, since one spelling may mean another thing to the proxy.
  url=http://$past_proxies
  for path in /api/visits /health; do
    use_up "$url$path?[1-100]" >/dev/null
  done
  use_up -X POST "$url/tally/api/visits/smoke%07?[1-100]" >/dev/null
  for path in /tally/health /tally//health /%74ally/health/live /x/../tally/health \
    /tally/x%20/health /tally/health%0a /tally%2fhealth /%0atally/health /tally/tally/health \
    /tally/nginx/health /tally//%6eginx/health /tallyx/health; do
    refused_at "$path" || return
  done
  for path in /tally/health /tally/nginx/health; do
    refused_at -X POST "$path" || return
  done
  within 20 curl -fsS -o /dev/null "$url/tally/health" || return
  # What is only for the inside, or for nobody.
  for path in nginx/status nginx/badge.svg nginx/badge.json nginx/malformed //nginx/malformed \
    ./nginx/malformed %6eginx/malformed nginx%2fmalformed x/../nginx/malformed metrics /metrics \
    %6detrics static static/ static/page.html tally/api/visits health%0a; do
    calmly --path-as-is "$url/tally/$path" && status '4' && has problem+json &&
      lacks '"status":0' && lacks '^tally_http' || complain "at $path" || return
  done
  # As at the root, also with a sign that means something elsewhere.
  local there
  for path in api/visits/a%3Fb api/visits/a%23b api/visits/%25 badge/home.svg api/visits?x=1; do
    calmly "$url/tally/$path"
    there=$(grep -v -i -e '^x-request-id' -e '^date' <<<"$answer")
    calmly "$url/$path"
    diff <(echo "$there") <(grep -v -i -e '^x-request-id' -e '^date' <<<"$answer") ||
      complain "at $path" || return
  done
}
wrong_base_path_named() {
  local wrong
  # shellcheck disable=SC2016 # a sign like another
  for wrong in tally /api /static/x /nginx '/a b' '/a;b' '/a$b' //a /a//b /a// /.. /a/../b '/é' \
    '/a{'; do
    answer=$(edge_alone -e "BASE_PATH=$wrong" -- '/bin/sh /start.sh -t')
    has "BASE_PATH: '.*' is " && lacks successful || complain "with $wrong" || return
  done
  answer=$(edge_alone -e BASE_PATH=/ -- '/bin/sh /start.sh -t')
  has 'test is successful' || return
  answer=$(edge_alone -e BASE_PATH=/a.b/c-d/ -- \
    '/bin/sh /start.sh -t && cat /tmp/start/base-path.conf') &&
    has 'test is successful' && has '/a\\.b/c-d(/'
}
# 250 requests, each from another address, as the proxy says: sets refused, how many were.
refused_of() { # FORM of an address, with a place for a number
  local number answers
  for number in $(seq 250); do
    # shellcheck disable=SC2059 # as the form has it
    cat <<END
url = "http://nginx:8080/health/live"
header = "X-Forwarded-For: $(printf "$1" "$number")"
output = /dev/null
write-out = "%{http_code}\n"
next
END
  done | sed '$d' >"$scratch/requests"
  answers=$(docker exec -i "$proxied-first" curl -sS -Z --parallel-max 40 -m 20 \
    -K - <"$scratch/requests" 2>&1 | sort | uniq -c)
  refused=$(awk '$2 == 429 { print $1 }' <<<"$answers")
  refused=${refused:-0}
  [ $((refused + $(awk '$2 == 200 { print $1 }' <<<"$answers"))) = 250 ] || complain "$answers"
}
ipv6_networks_share_a_limit() {
  local refused
  proxied_stack_runs || return
  refused_of '2001:db8:0:1::%x' && [ "$refused" -gt 0 ] ||
    complain "250 addresses of one network: $refused refused" || return
  refused_of '2001:db8:0:1:%x:2:3:4' && [ "$refused" -gt 0 ] ||
    complain "250 others of it: $refused refused" || return
  refused_of '2001:db8:7:%x::1' && [ "$refused" = 0 ] ||
    complain "250 networks: $refused refused" || return
  # An IPv4 address in IPv6's form is that address.
  refused_of '198.51.%d.7' && [ "$refused" = 0 ] ||
    complain "250 addresses of IPv4: $refused refused" || return
  refused_of '::ffff:198.51.%d.8' && [ "$refused" = 0 ] ||
    complain "250 of IPv4 in IPv6's form: $refused refused" || return
}
# Production behind a proxy that ends TLS: first unknown, then named.
tls_ends_in_front() {
  local network name address own host=localhost path=/
  name=$(setting name)
  network=${name}_edge name=$name-front
  # shellcheck disable=SC2016 # a variable of the container's
  own='TRUSTED_PROXIES="$TRUSTED_PROXIES"'
  # The script of the start writes it down, and Nginx takes it over.
  trust() { # ASSIGNMENT
    inside nginx sh -c "$1 /bin/sh /start.sh -t -q && kill -HUP 1"
  }
  in_front() {
    ask -A Firefox -H 'Accept: text/html' -H "Host: $host" "http://$address:8080$path"
  }
  in_front_is() { # STATUS
    answer=$(in_front) && status "$1"
  }
  docker rm -f "$name" >/dev/null 2>&1
  proxy "$name" "$network" nginx https || return
  # shellcheck disable=SC2064 # of these
  trap "docker rm -f $name >/dev/null; trust '$own' >/dev/null 2>&1" RETURN
  address=$(docker inspect "$name" \
    --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  within 10 curl -sS -o /dev/null "http://$address:8080/" || return
  answer=$(in_front) && status 301 && has '^location: https://localhost/$' && lacks '^set-cookie' &&
    lacks '^strict-transport' || complain "not named" || return
  trust "TRUSTED_PROXIES=$address" && within 10 in_front_is 200 || return
  answer=$(in_front) && status 200 && has '^set-cookie: tally-session=.*; Secure' &&
    has '<title>' && has '^strict-transport-security: max-age=63072000' && security_headers ||
    complain "named" || return
  for path in /health /api/visits /api/stats /static/tally.css /nginx/health; do
    answer=$(in_front) && status 200 || complain "at $path" || return
  done
  path=/
  # Another name is refused there, too, and what others say of themselves is nothing.
  host=other.example
  answer=$(in_front) && status 421 && has problem+json || return
  host=localhost
  answer=$(ask -H 'X-Forwarded-Proto: https' -H "X-Forwarded-For: $address" \
    -H 'Forwarded: proto=https' -H 'X-Forwarded-Ssl: on' "$plain/some/page") && status 301 &&
    has '^location: https://' && lacks '^strict-transport' || return
  # A proxy that says http has a client who asked so.
  answer=$(docker exec "$name" curl -sS -i -H 'Host: localhost' -H 'X-Forwarded-Proto: http' \
    http://nginx:8080/ | tr -d '\r') && status 301 || return
  trust "$own" && within 10 in_front_is 301
}
