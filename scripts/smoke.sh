#!/usr/bin/env bash
# smoke.sh [--list] [--gentle] [--dev|--prod] [URL]: checks every claim of the README against the running stack, one TAP line
# each.
#
# URL is where Nginx answers (http://127.0.0.1:$HTTP_PORT). The containers are those of the compose project here.
# --dev: the stack is that of conf/dev/.env; files under src/main are changed for a moment, and put back.
# --prod: the stack is that of conf/prod/.env (https://127.0.0.1:$HTTPS_PORT), with whatever certificate it has.
# --gentle leaves out the checks that stop a service for a moment, or put a backup back. --list prints each claim with the
# name of its check.
# It counts visits, as any client does. Exit status 0 if all claims hold.
set -uo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

list="" gentle="" dev="" prod="" url=""
for argument; do
  case $argument in
    --list) list=yes ;;
    --gentle) gentle=yes ;;
    --dev) dev=yes ;;
    --prod) prod=yes ;;
    http*://*) url=${argument%/} ;;
    *) echo "smoke.sh: unknown argument $argument; see --help" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.." || exit 2
plain=http://127.0.0.1:${HTTP_PORT:-80}
environment=${TALLY_ENV:-local} curl=(curl)
# Visits for a load that the rate limit lets pass.
load=250
static_cache="public, max-age="
if [ -n "$dev" ]; then
  static_cache=no-cache
  export COMPOSE_ENV_FILES=conf/dev/.env
fi
if [ -n "$prod" ]; then
  environment=prod load=60 curl=(curl -k)
  inner=https://127.0.0.1:8443
  url=${url:-https://127.0.0.1:${HTTPS_PORT:-443}}
  export COMPOSE_ENV_FILES=conf/prod/.env
fi
url=${url:-$plain}
replicas=$(docker compose ps -q app 2>/dev/null | wc -l)

# ---- how to ask ----

# The whole answer of a request, headers first.
ask() { "${curl[@]}" -sS -i -m 20 "$@" | tr -d '\r'; }
# status CODE, has TEXT, lacks TEXT: what the answer in $answer must be; each says what it found instead.
status() { grep -q "^HTTP/[0-9.]* $1" <<<"$answer" || { head -n 1 <<<"$answer"; return 1; }; }
has() { grep -qi -- "$1" <<<"$answer" || { echo "no '$1' in:"; echo "$answer"; return 1; }; }
# grep -q at the end of a pipe would leave early, and the writer's broken pipe would count as a failure.
found() { grep -c "$@" >/dev/null; }
lacks() { ! grep -qi -- "$1" <<<"$answer" || { echo "'$1' in:"; echo "$answer"; return 1; }; }
visits() { "${curl[@]}" -fsS -m 10 --retry 5 --retry-all-errors "$url/api/visits" | grep -o '[0-9]*'; }
instance() { "${curl[@]}" -sS -m 10 "$url/health" | grep -o '"instance":"[^"]*"'; }
within() { # SECONDS COMMAND…: repeats it until it succeeds
  local end=$(($(date +%s%N) + $1 * 1000000000)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt "$end" ] || { echo "not in time: $*"; return 1; }
    sleep 0.2
  done
}
container() { docker compose ps -q "$1" | head -n 1; }
inside() { local service=$1; shift; docker compose exec -T "$service" "$@"; }
inspect() { docker inspect --format "$2" "$(container "$1")"; }
redis_as() { # USER COMMAND…: with the password of the environment's secrets
  local user=$1 secret; shift
  secret=$(cat "conf/$environment/secrets/redis-$([ "$user" = app ] || echo "$user-")password" 2>/dev/null)
  docker compose exec -T -e REDISCLI_AUTH="${secret:-none}" redis redis-cli -e --user "$user" "$@" 2>&1
}
refused() { # USER COMMAND…
  local said; said=$(redis_as "$@")
  grep -q -e NOPERM -e NOAUTH -e WRONGPASS <<<"$said" || { echo "$* was not refused: $said"; return 1; }
}
# refused_all USER: each line of the input is a command, and Redis must say that this user may not do it.
refused_all() {
  local user=$1 secret
  secret=$(cat "conf/$environment/secrets/redis-$([ "$user" = app ] || echo "$user-")password" 2>/dev/null)
  # shellcheck disable=SC2016 # the container's shell expands it
  docker compose exec -T -e REDISCLI_AUTH="${secret:-none}" redis sh -c 'asked=0
    while read -r command; do
      asked=$((asked + 1))
      said=$(timeout 5 redis-cli --user "$0" $command 2>&1 </dev/null)
      case $said in *NOPERM*) ;; *) echo "$0 was not refused: $command: $said"; exit 1 ;; esac
    done
    [ $asked -gt 0 ]' "$user"
}

# ---- the checks, in the order of the claims below ----

plain_is_redirected() {
  answer=$(ask "$plain/some/page?x=1") && status 301 && has '^location: https://127.0.0.1/some/page?x=1' || return
  answer=$(ask "$plain/nginx/health") && status 200
}
speaks_http2() { answer=$(ask --http2 "$url/health") && grep -q '^HTTP/2 200' <<<"$answer"; }
old_tls_refused() {
  local version
  for version in 1.2 1.3; do "${curl[@]}" -fsS -o /dev/null "--tlsv$version" --tls-max "$version" "$url/health" || return; done
  for version in 1.0 1.1; do
    ! "${curl[@]}" -sS -o /dev/null "--tlsv$version" --tls-max "$version" --ciphers DEFAULT@SECLEVEL=0 "$url/health" 2>/dev/null || { echo "TLS $version works"; return 1; }
  done
}
hsts_is_set() { answer=$(ask "$url/no/such") && has '^strict-transport-security: max-age=63072000'; }
cookies_are_secure() { answer=$(ask -A Firefox -H 'Accept: text/html' "$url/") && has '^set-cookie: tally-session=.*; Secure'; }
sample_password_refused() {
  local said
  said=$(docker compose run --rm --no-deps -T -e REDIS_PASSWORD_FILE= -e REDIS_PASSWORD=tally-sample-password app 2>&1) && { echo "it started"; return 1; }
  grep -q 'redis.password: is the sample of the repository' <<<"$said" || { echo "$said"; return 1; }
}
missing_secrets_named() {
  local said
  mv conf/prod/secrets/made-by-scripts-secrets.sh.yaml conf/prod/secrets/hidden
  said=$(docker compose up -d 2>&1); local result=$?
  mv conf/prod/secrets/hidden conf/prod/secrets/made-by-scripts-secrets.sh.yaml
  if [ "$result" = 0 ] || ! grep -q 'made-by-scripts-secrets.sh' <<<"$said"; then echo "$said"; return 1; fi
}

# edit FILE SCRIPT: changes a file of the sources with sed; it is put back by restore, or when the check ends.
edit() {
  edited=$1 original=$(mktemp)
  trap restore EXIT
  trap 'exit 1' INT TERM
  cp -p "$edited" "$original"
  sed -i "$2" "$edited"
}
restore() { [ ! -f "$original" ] || { cp "$original" "$edited"; rm "$original"; }; }
says() { "${curl[@]}" -fsS -m 5 "$url/" | found -F "\"message\":\"$1\""; }
# listening COMMAND…: runs it while what an open page is told is written to $heard.
listening() {
  heard=$(mktemp)
  # As a page does, it comes back after each reload.
  # shellcheck disable=SC2016 # that shell expands it
  timeout 20 sh -c 'while :; do curl -sS -N "$0"; sleep 0.1; done' "$url/dev/events" >"$heard" 2>/dev/null &
  local listener=$! result=0
  { within 2 grep '^data:' "$heard" && "$@"; } || result=1
  kill "$listener"
  rm "$heard"
  return $result
}
routes=src/main/java/tally/Routes.java
code_is_reloaded() {
  local since
  since=$(inspect app '{{.Id}} {{.State.StartedAt}}')
  edit $routes 's/new Counted(settings.message(),/new Counted("Changed",/' && within 3 says Changed || return
  restore
  within 3 says "Welcome to Tally" && [ "$(inspect app '{{.Id}} {{.State.StartedAt}}')" = "$since" ]
}
resources_are_reloaded() {
  edit src/main/resources/reference.conf 's/"Welcome to Tally"/"Changed"/' && within 3 says Changed || return
  restore
  within 3 says "Welcome to Tally"
}
error_is_shown() {
  answer=$(ask -H 'Accept: text/html' "$url/") && has '<script type="module" src="/dev/reload.js">' || return
  answer=$(ask "$url/dev/reload.js") && status 200 && listening error_is_heard
}
error_is_heard() {
  edit $routes 's/new Counted(settings.message(),/new Counted("Changed"/' || return
  within 3 grep "\"problem\":\"$routes:[0-9]*: " "$heard" && says "Welcome to Tally" && reported || return
  restore
  # What was wrong is taken back.
  within 3 sh -c "tail -n 2 '$heard' | grep -c '\"problem\":\"\"'"
}
reported() { docker compose logs --no-log-prefix --since 10s app 2>&1 | found "reload: $routes:[0-9]*: " || { echo "not in the log"; return 1; }; }
style_is_shown() { listening style_is_heard; }
style_is_heard() {
  local before
  before=$(grep -o '"style":[-0-9]*' "$heard" | tail -n 1)
  edit src/main/resources/public/tally.css '1s/^/.smoke {} /' || return
  within 1 sh -c "tail -n 2 '$heard' | grep '\"style\":' | grep -v '$before,'" || return
  answer=$(ask "$url/static/tally.css") && has '^cache-control: no-cache' && has '^.smoke {}'
}
answers_here_alone() {
  local service
  for service in app redis; do
    # shellcheck disable=SC2016 # a template of Docker's
    ! inspect "$service" '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}}{{"\n"}}{{end}}{{end}}' | grep -vx -e 127.0.0.1 -e '' || return
  done
  answer=$(ask "http://127.0.0.1:${APP_PORT:-5000}/health/live") && status 200 && tells 'PING\r\n' -NOAUTH "${REDIS_PORT:-6379}"
}
tells() { # WHAT ANSWER PORT: what a port of this machine says to that
  local said
  said=$(timeout 3 bash -c "exec 3<>/dev/tcp/127.0.0.1/$3 && printf '$1' >&3 && head -c ${#2} <&3" 2>/dev/null | tr -d '\0')
  [ "$said" = "$2" ] || { echo "port $3 says '$said'"; return 1; }
}
debugger_attaches() {
  local port=${DEBUGGER_PORT:-5005}
  ! tells JDWP-Handshake JDWP-Handshake "$port" || { echo "it can without having been asked for"; return 1; }
  TALLY_DEBUGGER=1 docker compose up -d --no-deps --wait app >/dev/null 2>&1 && tells JDWP-Handshake JDWP-Handshake "$port"; local result=$?
  docker compose up -d --no-deps --wait app >/dev/null 2>&1 && within 10 "${curl[@]}" -fsS "$url/health" && return $result
}

counts_a_visit() {
  local first second
  first=$("${curl[@]}" -sS -m 10 "$url/" | sed -n 's/.*"visits":\([0-9]*\).*/\1/p')
  second=$("${curl[@]}" -sS -m 10 "$url/" | sed -n 's/.*"visits":\([0-9]*\).*/\1/p')
  [ "$second" -gt "$first" ] || { echo "$first, then $second"; return 1; }
}
reads_without_counting() {
  local before
  before=$(visits)
  answer=$(ask "$url/api/visits") && status 200 && has '{"visits":[0-9]*}' || return
  [ "$(visits)" = "$before" ] || { echo "the total moved from $before to $(visits)"; return 1; }
}
page_has_the_number() {
  answer=$(ask -H 'Accept: text/html' "$url/") && status 200 && has 'content-type: text/html' && has '>[0-9]\+</output>'
}
health_reports() {
  answer=$(ask "$url/health") && status 200 && has '"status":"up"' && has '"latencyMs":[0-9]' && has '"usedMemoryBytes":[0-9]' &&
    has '"lastSave":"ok"' && has '"uptimeSeconds":[0-9]' && has '"version":"[0-9d]' && has '"instance":"[0-9a-f]'
}
live_answers() { answer=$(ask "$url/health/live") && status 200; }
unknown_is_404() { answer=$(ask "$url/no/such") && status 404 && has 'content-type: application/problem+json' && has '"status":404'; }
wrong_method_is_405() { answer=$(ask -X DELETE "$url/api/visits") && status 405 && has '^allow: GET' && has problem+json; }

counts_a_page() {
  answer=$(ask -X POST "$url/api/visits/smoke") && status 200 && has '{"page":"smoke","visits":[1-9]' || return
  answer=$(ask -X POST "$url/api/visits/-smoke") && status 400 && has problem+json
}
shows_a_badge() {
  local etag
  answer=$(ask "$url/badge/smoke.svg?label=hits&color=green") && status 200 && has 'content-type: image/svg+xml' && has '<title id="t">hits: ' &&
    has '^cache-control: public, max-age=5' || return
  etag=$(sed -n 's/^etag: //pI' <<<"$answer")
  answer=$(ask -H "If-None-Match: $etag" "$url/badge/smoke.svg?label=hits&color=green") && status 304
}
statistics_are_cached() {
  answer=$(ask "$url/api/stats") && status 200 && has '^x-cache: \(HIT\|MISS\|STALE\)' && has '^etag: ' && has '"minutes":\[[0-9,]*\]' || return
  answer=$(ask "$url/api/stats") && has '^x-cache-edge: \(HIT\|UPDATING\|STALE\)' || return
  # Past the edge: the second answer within a second is from Redis.
  answer=$(inside app sh -c 'for i in 1 2 3; do wget -S -q -O /dev/null http://127.0.0.1:5000/api/stats; done' 2>&1 | tr -d '\r')
  has 'x-cache: HIT'
}
sessions_work() {
  local cookie
  answer=$(ask -A Firefox -H 'Accept: text/html' "$url/") && has '^set-cookie: tally-session=[0-9a-f]\{32\}; .*HttpOnly; SameSite=Lax' || return
  cookie=$(sed -n 's/^set-cookie: \([^;]*\);.*/\1/pI' <<<"$answer")
  answer=$(ask -X PUT -H 'Content-Type: application/json' -b "$cookie" -d '{"theme":"dark"}' "$url/api/session") && status 200 || return
  answer=$(ask -b "$cookie" "$url/api/session") && status 200 && has '"visits":1' && has '"data":{"theme":"dark"}' || return
  answer=$(ask -X DELETE -b "$cookie" "$url/api/session") && status 204 || return
  answer=$(ask -b "$cookie" "$url/api/session") && status 404
}
no_session_unasked() { answer=$(ask "$url/") && lacks '^set-cookie'; }
events_are_live() {
  answer=$({ sleep 1; "${curl[@]}" -sS "$url/" >/dev/null; } & "${curl[@]}" -sS -i -N -m 3 "$url/api/events" 2>/dev/null | tr -d '\r')
  status 200 && has '^content-type: text/event-stream' && has '^retry: ' || return
  [ "$(grep -c '^event: visit' <<<"$answer")" -ge 2 ] || { echo "no event for the visit in:"; echo "$answer"; return 1; }
}
described() { answer=$(ask "$url/openapi.yaml") && status 200 && has 'content-type: application/yaml' && has '^openapi: 3.1' && has '^  /api/session:'; }
metrics_inside_only() {
  local path
  for path in /metrics /metrics/ //metrics /%6detrics '/metrics;x'; do
    answer=$(ask --path-as-is "$url$path")
    lacks '^tally_http' || return
    status '4' || return
  done
  inside app wget -q -O - http://127.0.0.1:5000/metrics | found '^tally_http_request_seconds_count'
}

security_headers() {
  has '^x-frame-options: SAMEORIGIN' && has '^x-xss-protection: 1; mode=block' && has '^x-content-type-options: nosniff' &&
    has '^referrer-policy: no-referrer-when-downgrade' && has "^content-security-policy: default-src 'self'" &&
    has '^x-request-id: [0-9a-f]\{32\}'
}
headers_everywhere() {
  local path
  for path in / /health /no/such /api/stats /metrics /static/tally.css /static/index.html /nginx/status /nginx/health; do
    answer=$(ask "$url$path")
    security_headers || { echo "at $path"; return 1; }
  done
}
version_hidden() { answer=$(ask "$url/no/such"); lacks '^server: .*[0-9]'; }
static_files() {
  answer=$(ask "$url/static/tally.css") && status 200 && has 'content-type: text/css' && has "^cache-control: $static_cache" && has '^etag:' || return
  answer=$(ask --compressed "$url/static/tally.css") && has '^content-encoding: gzip'
}
large_body_refused() {
  answer=$(head -c 100000 /dev/zero | ask -X POST --data-binary @- "$url/api/visits/a") && status 413 && has problem+json && security_headers
}
large_header_refused() {
  answer=$(ask --http1.1 -H "X-Large: $(head -c 20000 /dev/zero | tr '\0' a)" "$url/") && status 400 && has problem+json
}
override_stripped() { answer=$(ask -H 'X-HTTP-Method-Override: DELETE' "$url/api/visits") && status 200; }
own_request_id_dropped() {
  local before after
  before=$(visits)
  ask -H 'X-Request-Id: mine' "$url/" >/dev/null; ask -H 'X-Request-Id: mine' "$url/" >/dev/null
  after=$(visits)
  [ $((after - before)) -ge 2 ] || { echo "two visits under one id moved the total by $((after - before))"; return 1; }
}
rate_limited() {
  answer=$("${curl[@]}" -sS -i -m 30 --http1.1 --parallel --parallel-max 40 -H "X-Forwarded-For: 203.0.113.$RANDOM" "$url/api/visits?[1-600]" | tr -d '\r' | grep -a -A 20 '^HTTP/[0-9.]* 429' | head -n 20)
  status 429 && has '^retry-after: 1' && has problem+json && has '"status":429' && security_headers || return
  # Waits until the address may ask again.
  within 10 "${curl[@]}" -fsS "$url/health"
}
# What the log takes for the client's address of a request that claims to be of three others.
forged_client() {
  local id
  id=$(ask -H 'X-Forwarded-For: 198.51.100.1, 203.0.113.9' -H 'X-Real-IP: 203.0.113.9' -H 'Forwarded: for=203.0.113.9' "$url/static/tally.css" | sed -n 's/^X-Request-Id: //pI')
  for _ in $(seq 20); do
    docker compose logs --no-log-prefix nginx | sed -n "s/.*\"id\":\"$id\",\"client\":\"\([^\"]*\)\".*/\1/p" | grep . && return
    sleep 0.2
  done
}
forged_address_ignored() {
  local client
  client=$(forged_client)
  [[ $client =~ ^[0-9a-f.:]+$ && $client != 203.0.113.9 && $client != 198.51.100.1 ]] || { echo "the log says '$client'"; return 1; }
}
trusted_proxy_believed() {
  local client other trusted file=conf/$environment/nginx/http/smoke-trusted-proxy.conf
  # shellcheck disable=SC2064 # of this file
  trap "rm -f $file; docker compose kill -s HUP nginx >/dev/null 2>&1" RETURN
  client=$(forged_client)
  believe() { printf 'set_real_ip_from %s;\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;\n' "$1" >"$file"; docker compose kill -s HUP nginx >/dev/null 2>&1; sleep 2; }
  believe 192.0.2.1
  other=$(forged_client)
  believe "$client"
  trusted=$(forged_client)
  # The last of the list, which the proxy added; not the first, which anybody can write.
  [[ $other = "$client" && $trusted = 203.0.113.9 ]] || { echo "a stranger: '$other' for '$client'; the trusted proxy: '$trusted'"; return 1; }
}
new_certificate_taken() {
  local before after heard
  heard=$(mktemp)
  # shellcheck disable=SC2064 # of this file
  trap "rm -f $heard" RETURN
  fingerprint() { openssl s_client -connect "${url#https://}" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint; }
  before=$(fingerprint)
  "${curl[@]}" -sS -N -m 12 "$url/api/events" >"$heard" 2>&1 &
  sleep 1
  scripts/cert.sh --force >/dev/null && docker compose exec -T nginx nginx -s reload 2>/dev/null || return
  sleep 2
  after=$(fingerprint)
  "${curl[@]}" -fsS -m 10 "$url/" >/dev/null || return
  sleep 2
  [[ -n $after && $before != "$after" ]] || { echo "still the old one"; return 1; }
  # Over the connection from before the reload.
  [ "$(grep -c '^event: visit' "$heard")" -ge 2 ] || { echo "the open page heard: $(cat "$heard")"; return 1; }
}
new_passwords_cost_nothing() {
  local old said answers
  old=$(cat conf/prod/secrets/redis-password)
  answers=$(mktemp)
  # shellcheck disable=SC2064 # of this file
  trap "rm -f $answers" RETURN
  # One every 50 ms, which the rate limit lets pass.
  # shellcheck disable=SC2016 # that shell expands it
  timeout 120 sh -c 'while :; do curl -k -sS -m 20 -o /dev/null -w "%{http_code}\n" "$0"; sleep 0.05; done' "$url/" >"$answers" 2>&1 &
  local load=$!
  said=$(scripts/secrets.sh --rotate 2>&1 && scripts/rollout.sh --prod 2>&1 && scripts/secrets.sh --retire 2>&1)
  local result=$?
  sleep 1
  kill "$load"; wait "$load" 2>/dev/null
  [ "$result" = 0 ] || { echo "$said"; return 1; }
  if [ "$(wc -l <"$answers")" -lt 100 ] || grep -qvx 200 "$answers"; then
    echo "answers by status: $(sort "$answers" | uniq -c)"; return 1
  fi
  said=$(docker compose exec -T -e "REDISCLI_AUTH=$old" redis redis-cli -e --user app ping 2>&1)
  grep -q WRONGPASS <<<"$said" || { echo "the old password still works: $said"; return 1; }
  redis_as app ping | found PONG
}
nginx_health() { answer=$(ask "$url/nginx/health") && status 200; }
status_from_inside_only() {
  answer=$(ask "$url/nginx/status") && status 403 && has problem+json || return
  inside nginx curl -fsSk "${inner:-http://127.0.0.1:8080}/nginx/status" | found 'Active connections'
}
log_is_json() {
  local id
  id=$(ask "$url/health?smoke" | sed -n 's/^X-Request-Id: //pI')
  within 5 logged "$id"
}
logged() { docker compose logs --no-log-prefix nginx | grep "\"id\":\"$1\"" | grep '"upstream":"[0-9.]*:5000"' | found '"upstreamSeconds":"[0-9.]*"'; }

only_nginx_published() {
  local service ports
  for service in app redis; do
    # shellcheck disable=SC2016 # a template of Docker's
    ports=$(inspect "$service" '{{range $port, $to := .NetworkSettings.Ports}}{{if $to}}{{$port}} {{end}}{{end}}')
    [ -z "$ports" ] || { echo "$service publishes $ports"; return 1; }
  done
}
hardened() {
  local service state
  for service in nginx app redis; do
    state=$(inside "$service" cat /proc/1/status) || return
    grep -q '^Uid:[[:space:]]*[1-9][0-9]*[[:space:]]*[1-9]' <<<"$state" || { echo "$service runs as root"; return 1; }
    grep -q '^CapEff:[[:space:]]*0000000000000000$' <<<"$state" || { echo "$service has capabilities"; return 1; }
    grep -q '^NoNewPrivs:[[:space:]]*1$' <<<"$state" || { echo "$service may gain privileges"; return 1; }
  done
}
read_only_roots() {
  local service
  for service in nginx app redis; do
    # shellcheck disable=SC2016 # the container's shell expands it
    inside "$service" sh -c 'for folder in / /etc /usr /app /var; do [ ! -d $folder ] || ! echo >$folder/x || exit 1; done' 2>/dev/null ||
      { echo "$service can write to its root"; return 1; }
    [ "$(inspect "$service" '{{.HostConfig.ReadonlyRootfs}}')" = true ] || { echo "$service is not read-only"; return 1; }
  done
}
limits_set() {
  local service
  for service in nginx app redis; do
    inspect "$service" '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Config}} {{.HostConfig.RestartPolicy.Name}}' |
      found -E '^[1-9][0-9]* [1-9][0-9]* [1-9][0-9]* local map\[max-file:3 max-size:10m\] (unless-stopped|always)$' ||
      { echo "$service lacks a limit"; return 1; }
  done
}
health_checks_set() {
  local service
  for service in nginx app redis; do
    inspect "$service" '{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Timeout}} {{.Config.Healthcheck.Retries}} {{.Config.Healthcheck.StartPeriod}}' |
      found -x '30s 10s 3 40s' || { echo "$service checks differently"; return 1; }
  done
}
networks_apart() {
  local address network
  # shellcheck disable=SC2016 # a template of Docker's
  for network in $(inspect app '{{range $name, $of := .NetworkSettings.Networks}}{{$name}} {{end}}'); do
    [ "$(docker network inspect "$network" --format '{{.Internal}}')" = true ] || { echo "$network is not internal"; return 1; }
  done
  address=$(inspect redis '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  ! inside nginx curl -sS -m 2 "telnet://redis:6379" </dev/null >/dev/null 2>&1 || { echo "nginx reaches redis by name"; return 1; }
  # 7 and 28: no connection; anything else is one.
  inside nginx curl -sS -m 2 "telnet://$address:6379" </dev/null >/dev/null 2>&1
  case $? in 7 | 28) ;; *) echo "nginx reaches $address:6379"; return 1 ;; esac
}
no_way_out() {
  local service
  way_out() { inside "$1" cat /proc/net/route | awk '$2 == "00000000" { found = 1 } END { exit !found }'; }
  way_out nginx || { echo "Nginx has none either, so this says nothing"; return 1; }
  for service in app redis; do ! way_out "$service" || { echo "$service has a way out"; return 1; }; done
  # An address that is nobody's.
  answer=$(inside app wget -T 3 -q -O - http://192.0.2.1/ 2>&1); has 'network is unreachable' || return
  answer=$(inside redis redis-cli -h 192.0.2.1 -t 3 ping 2>&1); has 'network is unreachable'
}
java_is_pid_1() { [ "$(inside app cat /proc/1/comm)" = java ]; }
shell_is_not_root() { inside app /bin/sh -c id | found 'uid=10001'; }

acl_default_off() { refused default ping; }
acl_app_can_count() { [ "$(redis_as app ping)" = PONG ] && redis_as app get visit_count >/dev/null; }
acl_app_keys() {
  # What it may do, but to keys that are not its own.
  refused_all app <<'END' || return
get other
mget visit_count other
exists other
pttl other
hgetall other
hmget other a
hexists other a
hlen other
zscore other a
zcard other
zrange other 0 1
pfcount other
evalsha 0123456789012345678901234567890123456789 1 other
hset other a b
hincrby other a 1
incrby other 1
zadd other 1 a
pfadd other a
publish other a
subscribe other
END
  # What it may do to some of its keys, but to the others: a count is never set, removed or given an end.
  local key
  for key in visit_count tally:pages tally:minute:1 tally:seen:1 tally:visitors:1; do printf '%s\n' "set $key 1" "del $key"; done | refused_all app &&
    for key in visit_count tally:pages tally:cache:a; do printf '%s\n' "expire $key 1" "pexpire $key 1"; done | refused_all app
}
acl_app_commands() {
  refused_all app <<'END'
flushall
flushdb
keys tally
scan 0
dbsize
rename visit_count tally:a
unlink visit_count
persist visit_count
setex tally:cache:a 1 a
incr visit_count
decrby visit_count 1
getdel visit_count
zrem tally:pages a
hdel tally:session:a a
lpush tally:a a
eval return(1) 0
script flush
function list
config get dir
config set dir /tmp
acl list
acl whoami
client list
client kill type normal
monitor
slowlog get
latency latest
memory usage visit_count
module list
save
bgsave
bgrewriteaof
lastsave
shutdown
replicaof no one
psync a 1
migrate 127.0.0.1 1 visit_count 0 1
dump visit_count
restore tally:a 0 a
swapdb 0 1
END
}
acl_health() {
  redis_as health ping | found PONG && redis_as health info memory | found used_memory && refused_all health <<'END'
get visit_count
set visit_count 1
exists tally:pages
publish tally:visits a
subscribe tally:visits
keys tally
dbsize
bgsave
config get dir
acl whoami
client list
eval return(1) 0
flushall
shutdown
END
}
acl_operator() {
  redis_as operator slowlog get 1 >/dev/null && redis_as operator get visit_count >/dev/null && refused_all operator <<'END'
set visit_count 1
incrby visit_count 1
del visit_count
expire visit_count 1
zadd tally:pages 1 a
rename visit_count a
sort tally:pages store a
publish tally:visits a
subscribe tally:visits
eval return(1) 0
script flush
slowlog reset
latency reset
client kill type normal
client pause 1
acl list
acl setuser a
acl deluser a
config get dir
config set maxmemory 1
bgsave
bgrewriteaof
flushall
replicaof no one
shutdown
END
}
acl_backup() {
  redis_as backup ping | found PONG && redis_as backup info persistence | found rdb_last_bgsave_status && refused_all backup <<'END'
get visit_count
set visit_count 1
dump visit_count
del visit_count
exists tally:pages
publish tally:visits a
subscribe tally:visits
keys tally
scan 0
dbsize
save
bgrewriteaof
config get dir
config set dir /tmp
acl whoami
client list
monitor
psync a 1
replicaof no one
eval return(1) 0
flushall
shutdown
END
}
# Every secret of the environment, in whatever is shown of the images, containers, processes and logs.
no_secret_visible() {
  local file service seen where
  seen=$(mktemp)
  # shellcheck disable=SC2064 # of this file
  trap "rm -f $seen" RETURN
  for service in nginx app redis; do
    echo "in docker inspect or docker history of $service:"
    docker inspect "$(container "$service")" && docker image inspect "$(inspect "$service" '{{.Image}}')" &&
      docker history --no-trunc "$(inspect "$service" '{{.Image}}')" || return
    echo "in the environment or command of $service:"
    # shellcheck disable=SC2016 # the container's shell expands it
    inside "$service" sh -c 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n"; [ -r /proc/1/environ ]' || return
    echo "in the log of $service:"
    docker compose logs --no-log-prefix "$service" || return
  done >"$seen" 2>&1 || { tail -n 3 "$seen"; return 1; }
  # There is no jar in dev.
  if [ -z "$dev" ]; then
    answer=$(inside app java -jar /app/tally.jar --print-config 2>&1) && has '^redis.password = "[*]*"' || return
    printf '%s\n' "in --print-config:" "$answer" >>"$seen"
  fi
  [ "$(wc -l <"$seen")" -gt 200 ] || { echo "too little to look at:"; cat "$seen"; return 1; }
  for file in "conf/$environment"/secrets/*-password; do
    where=$(SECRET=$(cat "$file") awk '/^in .*:$/ { where = $0 } index($0, ENVIRON["SECRET"]) { print where; exit }' "$seen")
    [ -z "$where" ] || { echo "${file##*/} is seen $where"; return 1; }
  done
}
files_in_the_image() {
  local found
  found=$(inside app busybox find / -xdev -type f -path '/app/*')
  grep -qx /app/tally.jar <<<"$found" || { echo "nothing found: $found"; return 1; }
  # By owner and mode, not by trying: the file system is read-only anyway. /tmp is the mounted one.
  found=$(inside app busybox find / -xdev ! -type l ! -path /tmp \( -user 10001 -o -group 10001 -o -perm -0002 -o -perm /6000 \)) || return
  [ -z "$found" ] || { echo "the service may change, or would become another user by: $found"; return 1; }
}
lists_its_parts() {
  local listed there
  answer=$(inside app cat /app/bom.json) && has '"bomFormat" : "CycloneDX"' || return
  listed=$(sed -n 's|.*"purl" : "pkg:maven/[^/]*/\([^@]*\)@\([^?]*\)?type=jar".*|\1-\2.jar|p' <<<"$answer" | grep -v '^tally-' | sort)
  there=$(inside app ls /app/lib | sort)
  [ -n "$there" ] || return
  diff <(echo "$listed") <(echo "$there")
}
redis_is_durable() {
  answer=$(redis_as health info)
  has '^aof_enabled:1' && has '^rdb_last_bgsave_status:ok' && has '^maxmemory_policy:volatile-ttl' && has '^maxmemory:[1-9]'
}

replicas_share_the_load() {
  docker compose up -d --no-recreate --scale app=$((replicas + 2)) --wait >/dev/null 2>&1 || return
  local seen
  # As slowly as the limit on health checks asks.
  seen=$(for _ in $(seq 60); do instance; sleep 0.1; done | sort | uniq -c)
  [ "$(wc -l <<<"$seen")" = $((replicas + 2)) ] || { echo "answers by: $seen"; return 1; }
  docker compose up -d --no-recreate --scale "app=$replicas" --wait >/dev/null 2>&1 && within 10 "${curl[@]}" -fsS "$url/health"
}
replaced_app_is_found() {
  docker compose up -d --force-recreate --no-deps app --wait >/dev/null 2>&1 && within 10 "${curl[@]}" -fsS "$url/health"
}
killed_replica_costs_nothing() {
  docker compose up -d --no-recreate --scale app=3 --wait >/dev/null 2>&1 || return
  local before answers victim
  before=$(visits)
  victim=$(container app)
  answers=$({ sleep 1; docker kill -s KILL "$victim" >/dev/null; } & seq "$load" | xargs -P 8 -I{} "${curl[@]}" -sS -m 20 -o /dev/null -w '%{http_code}\n' "$url/" | sort | uniq -c)
  docker start "$victim" >/dev/null
  docker compose up -d --no-recreate --scale "app=$replicas" --wait >/dev/null 2>&1
  within 15 "${curl[@]}" -fsS "$url/health" || return
  [ "$(tr -s ' ' <<<"$answers")" = " $load 200" ] || { echo "answers by status: $answers"; return 1; }
  [ $(($(visits) - before)) = "$load" ] || { echo "$load answers, but the total grew by $(($(visits) - before))"; return 1; }
}
gone_app_is_a_problem() {
  docker compose stop app >/dev/null 2>&1
  answer=$(ask "$url/"); local result=0
  { status '50[24]' && has problem+json && has '^retry-after: 1' && security_headers; } || result=1
  docker compose start app >/dev/null 2>&1
  within 30 "${curl[@]}" -fsS "$url/health" && return $result
}
gone_redis_is_503() {
  local before started result=0
  before=$(visits)
  docker compose stop redis >/dev/null 2>&1
  for _ in 1 2 3; do
    started=$(date +%s%N)
    answer=$(ask "$url/")
    started=$((($(date +%s%N) - started) / 1000000))
    [ "$started" -lt 2000 ] || { echo "took $started ms"; result=1; }
    { status 503 && has problem+json && has '^retry-after: 1'; } || result=1
  done
  { answer=$(ask "$url/health") && status 503 && has '"redis":{"status":"down"'; } || result=1
  { answer=$(ask "$url/health/live") && status 200; } || result=1
  docker compose start redis >/dev/null 2>&1
  within 15 "${curl[@]}" -fsS "$url/" || result=1
  [ "$(visits)" -gt "$before" ] || { echo "the count fell from $before to $(visits)"; result=1; }
  return $result
}
down_and_up_keeps_the_count() {
  local before
  before=$(visits)
  docker compose down >/dev/null 2>&1 && docker compose up -d --wait >/dev/null 2>&1 && within 15 "${curl[@]}" -fsS "$url/health" || return
  [ "$(visits)" -ge "$before" ] || { echo "$before before, $(visits) after"; return 1; }
}

saved() { "${curl[@]}" -fsS -m 5 "$url/api/visits$1" | grep -o '"visits":[0-9]*'; }
backup_goes_back() {
  local folder before said
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf $folder" RETURN
  ask -X POST "$url/api/visits/smoke" >/dev/null
  before="$(saved "") $(saved /smoke)"
  said=$(scripts/backup.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$said"; return 1; }
  ask -X POST "$url/api/visits/smoke" >/dev/null
  [ "$(saved "") $(saved /smoke)" != "$before" ] || { echo "nothing was counted after the backup"; return 1; }
  said=$(scripts/restore.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$said"; return 1; }
  inside redis rm -r "$(grep -o '/data/replaced-[0-9-]*' <<<"$said" | head -n 1)" || return
  within 15 "${curl[@]}" -fsS "$url/health" || return
  [ "$(saved "") $(saved /smoke)" = "$before" ] || { echo "$before before, $(saved "") $(saved /smoke) after: $said"; return 1; }
  # And Redis still knows at its next start.
  docker compose restart redis >/dev/null 2>&1 && within 15 "${curl[@]}" -fsS "$url/health" || return
  [ "$(saved "") $(saved /smoke)" = "$before" ] || { echo "$before before, $(saved "") $(saved /smoke) after a restart"; return 1; }
}
backup_goes_anywhere() {
  local folder held said other stack
  other=$(inspect redis '{{index .Config.Labels "com.docker.compose.project"}}')-restored
  stack=(env "COMPOSE_PROJECT_NAME=$other" "APP_NETWORK=$other")
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf $folder; ${stack[*]} docker compose down -v >/dev/null 2>&1" RETURN
  held=$(scripts/backup.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$held"; return 1; }
  said=$("${stack[@]}" scripts/restore.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$said"; return 1; }
  [ "$(sed -n 's/^after: //p' <<<"$said")" = "${held#*rdb: }" ] || { echo "$held, but: $said"; return 1; }
}
damaged_backup_refused() {
  local folder file since said size
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf $folder" RETURN
  since=$(inspect redis '{{.Id}} {{.State.StartedAt}}')
  said=$(scripts/backup.sh ${prod:+--prod} "$folder/good.rdb" 2>&1) || { echo "$said"; return 1; }
  size=$(wc -c <"$folder/good.rdb")
  head -c $((size / 2)) "$folder/good.rdb" >"$folder/cut.rdb"
  cp "$folder/good.rdb" "$folder/flipped.rdb"
  # One byte becomes another one.
  if [ "$(dd if="$folder/good.rdb" bs=1 skip=$((size / 2)) count=1 2>/dev/null | tr 'x' 'y')" = y ]; then said=z; else said=x; fi
  printf %s $said | dd of="$folder/flipped.rdb" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
  echo "no backup" >"$folder/other.rdb"
  for file in cut flipped other none; do
    ! said=$(scripts/restore.sh ${prod:+--prod} "$folder/$file.rdb" 2>&1) || { echo "$file was taken: $said"; return 1; }
    grep -q "$file.rdb is \(damaged\|not there\)" <<<"$said" || { echo "$file: $said"; return 1; }
  done
  [ "$(inspect redis '{{.Id}} {{.State.StartedAt}}')" = "$since" ] || { echo "Redis was touched"; return 1; }
}

# ---- claim by claim ----

if [ -z "$list" ] && ! "${curl[@]}" -sS -m 10 -o /dev/null "$url/nginx/health"; then
  echo "Bail out! Nothing answers at $url; start the stack first (docker compose up -d --wait), or name its address"
  exit 1
fi

number=0 failed=0
claim() { # [--stops] 'what is claimed' check
  local stops=
  [ "$1" != --stops ] || { stops=yes; shift; }
  if [ -n "$list" ]; then printf '%-72s %s\n' "$1" "$2"; return; fi
  number=$((number + 1))
  if [ -n "$stops" ] && [ -n "$gentle" ]; then echo "ok $number - $1 # SKIP --gentle"; return; fi
  local said
  if said=$("$2" 2>&1); then
    echo "ok $number - $1"
  else
    failed=$((failed + 1))
    echo "not ok $number - $1"
    # shellcheck disable=SC2001 # a prefix for every line
    sed 's/^/#   /' <<<"$said"
  fi
}

if [ -n "$dev" ]; then
  claim "saved code answers within 3 s, in the same container" code_is_reloaded
  claim "a saved resource, too" resources_are_reloaded
  claim "a compile error is told to open pages and logged, and the old code answers on" error_is_shown
  claim "a saved style sheet is there within 1 s, and open pages are told" style_is_shown
  claim "the app and Redis answer on 127.0.0.1, and there alone" answers_here_alone
  claim --stops "a debugger can attach on request, and only then" debugger_attaches
fi
if [ -n "$prod" ]; then
  claim "HTTP is redirected to HTTPS, but for the health check" plain_is_redirected
  claim "HTTP/2 is spoken" speaks_http2
  claim "TLS 1.2 and 1.3 are spoken, nothing older" old_tls_refused
  claim "browsers are told to come back over HTTPS only" hsts_is_set
  claim "cookies are Secure" cookies_are_secure
  claim "the app refuses to start with the sample password" sample_password_refused
  claim "without secrets nothing starts, and the script that makes them is named" missing_secrets_named
fi
claim "GET / counts a visit and answers its number" counts_a_visit
claim "GET /api/visits reads the total without counting" reads_without_counting
claim "a browser gets a page with the number in it" page_has_the_number
claim "POST /api/visits/{page} counts a visit of a page; a name that is none is a 400" counts_a_page
claim "a badge shows a count, and is not sent again unchanged" shows_a_badge
claim "statistics come from the cache, at the app and at the edge" statistics_are_cached
claim "the page begins a session, which holds data until it is ended" sessions_work
claim "a client that did not ask gets no session" no_session_unasked
claim "an open page hears of a visit within a second" events_are_live
claim "/openapi.yaml describes the addresses" described
claim "metrics are for the inside only" metrics_inside_only
claim "/health reports on Redis: latency, memory, last save" health_reports
claim "/health/live answers" live_answers
claim "an unknown address is a 404 problem" unknown_is_404
claim "a wrong method is a 405 problem that names the right ones" wrong_method_is_405
claim "the five security headers are on every answer" headers_everywhere
claim "Nginx hides its version" version_hidden
claim "static files come compressed and with cache headers" static_files
claim "a body over the limit is a 413 problem" large_body_refused
claim "headers over the limit are a 400 problem" large_header_refused
claim "X-HTTP-Method-Override does not reach the app" override_stripped
claim "a client's own X-Request-Id does not reach the app" own_request_id_dropped
claim "too many requests from one address are a 429 problem with Retry-After, whatever they say of themselves" rate_limited
claim "a client's address is that of its connection, whatever it says of itself" forged_address_ignored
claim "Nginx answers for its own health" nginx_health
claim "Nginx' status is for the inside only" status_from_inside_only
claim "the access log is JSON with request id, upstream and times" log_is_json
[ -n "$dev" ] || claim "only Nginx publishes a port" only_nginx_published
claim "no container runs as root, has a capability, or may gain one" hardened
claim "every root file system is read-only" read_only_roots
claim "every container has limits, log rotation and a restart policy" limits_set
claim "health checks are asked as documented" health_checks_set
[ -n "$dev" ] || claim "Redis can't be reached from Nginx; the inner networks are internal" networks_apart
[ -n "$dev" ] || claim "the app and Redis have no way out" no_way_out
claim "SIGTERM reaches the service: it is process 1" java_is_pid_1
claim "docker compose exec app /bin/sh works, and is not root" shell_is_not_root
claim "Redis' default user is off" acl_default_off
claim "the app's Redis user can do its work" acl_app_can_count
claim "the app's Redis user can't touch other keys, nor delete, overwrite or expire a count" acl_app_keys
claim "the app's Redis user can't administer Redis" acl_app_commands
claim "the health check's Redis user can PING and read INFO, no more" acl_health
claim "the operator's Redis user can look, not write" acl_operator
claim "the backup's Redis user can have a snapshot made, no more" acl_backup
claim "no secret is in an inspection, image history, environment, command, log or listing" no_secret_visible
[ -n "$dev" ] || claim "the service could change no file of its image, and none would make it another user" files_in_the_image
[ -n "$dev" ] || claim "the image lists its libraries (CycloneDX)" lists_its_parts
claim "Redis keeps a log and snapshots, and never drops a count" redis_is_durable
claim --stops "a proxy is believed once it is named as trusted, and only its own word" trusted_proxy_believed
[ -z "$prod" ] || claim --stops "a new certificate is taken, and no connection dropped" new_certificate_taken
[ -z "$prod" ] || claim --stops "other passwords cost no request, and end the old ones" new_passwords_cost_nothing
[ -n "$dev" ] || claim --stops "more replicas share the load without a reload" replicas_share_the_load
claim --stops "a replaced app container is found without a reload" replaced_app_is_found
[ -n "$dev" ] || claim --stops "a replica killed under load: every request is answered, each is counted once" killed_replica_costs_nothing
claim --stops "without the app, Nginx answers a 502 or 504 problem" gone_app_is_a_problem
claim --stops "without Redis: 503 within two seconds, alive, and well again by itself" gone_redis_is_503
claim "a damaged backup is refused, and nothing touched" damaged_backup_refused
[ -n "$dev" ] || claim "a backup goes into a stack that was never started" backup_goes_anywhere
claim --stops "a backup brings back the counts of all and of each page, also after a restart" backup_goes_back
claim --stops "docker compose down and up keeps the count" down_and_up_keeps_the_count
[ -z "$list" ] || exit 0

echo "1..$number"
[ "$failed" = 0 ] || { echo "# $failed of $number claims do not hold"; exit 1; }
