# shellcheck shell=bash
# Checks of what Nginx does before the service is asked.

security_headers() {
  has '^x-frame-options: SAMEORIGIN' && has '^x-xss-protection: 1; mode=block' &&
    has '^x-content-type-options: nosniff' &&
    has '^referrer-policy: no-referrer-when-downgrade' &&
    has "^content-security-policy: default-src 'self'" &&
    has '^x-request-id: [0-9a-f]\{32\}'
}
headers_everywhere() {
  local path
  for path in / /health /no/such "$readable" /metrics /static/icon.svg /static \
    /nginx/status /nginx/health; do
    answer=$(ask "$url$path")
    security_headers || complain "at $path" || return
  done
}
version_hidden() {
  answer=$(ask "$url/no/such")
  lacks '^server: .*[0-9]'
}
# counter:begin
static_files() {
  answer=$(ask "$url/static/tally.css") && status 200 && has 'content-type: text/css' &&
    has "^cache-control: $static_cache" && has '^etag:' || return
  answer=$(ask --compressed "$url/static/tally.css") && has '^content-encoding: gzip' &&
    has '^vary: accept-encoding'
}
script_is_small() {
  local size
  answer=$(ask "$url/count.js") && status 200 && has 'content-type: application/javascript' &&
    has "^cache-control: $static_cache" && has '^etag:' || return
  size=$("${curl[@]}" -fsS -m 10 -H 'Accept-Encoding: gzip' -o /dev/null -w '%{size_download}' \
    "$url/count.js")
  [ "$size" -le 1536 ] || complain "it takes $size bytes"
}
# counter:end
large_body_refused() {
  answer=$(head -c 100000 /dev/zero | ask -X POST --data-binary @- "$url$readable") &&
    status 413 && has problem+json && security_headers
}
large_header_refused() {
  answer=$(ask --http1.1 -H "X-Large: $(head -c 20000 /dev/zero | tr '\0' a)" "$url/") &&
    status 400 && has problem+json
}
override_stripped() {
  answer=$(ask -H 'X-HTTP-Method-Override: DELETE' "$url$readable") && status 200
}
own_request_id_dropped() {
  local before after
  before=$(total)
  ask -H 'X-Request-Id: mine' "${write[@]}" "$url$write_path" >/dev/null
  ask -H 'X-Request-Id: mine' "${write[@]}" "$url$write_path" >/dev/null
  after=$(total)
  [ $((after - before)) -ge 2 ] ||
    complain "two writes under one id moved the total by $((after - before))" || return
}
rate_limited() {
  local many
  # More where this machine is too slow to ask more than it may.
  for many in 600 2400; do
    answer=$("${curl[@]}" -sS -i -m 60 --http1.1 --parallel --parallel-max 40 \
      -H "X-Forwarded-For: 203.0.113.$RANDOM" "$url$readable?[1-$many]" |
      tr -d '\r' | grep -a -A 20 '^HTTP/[0-9.]* 429' | head -n 20)
    [ -z "$answer" ] || break
  done
  status 429 && has '^retry-after: 1' && has '^cache-control: no-store' && has problem+json &&
    has '"status":429' && security_headers || return
  # Writes and health are counted apart.
  refused_many -X POST "$url$malformed" && refused_many "$url/health" || return
  # Waits until the address may ask again.
  within 10 healthy
}
refused_many() {
  local many
  for many in 400 1600; do
    ! "${curl[@]}" -sS -m 60 --http1.1 --parallel --parallel-max 40 -o /dev/null \
      -w '%{http_code}\n' "${@:1:$#-1}" "${*: -1}?[1-$many]" 2>&1 | found 429 || return 0
  done
  complain "none was refused: $*"
}
# counter:begin
# As many pages as one address may hold open, in two steps, since they are also requests with a
# limit of their own.
connections_are_bounded() {
  local most=200 codes open
  [ -z "$prod" ] || most=50
  codes=$scratch/codes
  hold() {
    "${curl[@]}" -sS -N -m "$1" --http1.1 --parallel --parallel-max 200 -o /dev/null \
      -w '%{http_code}\n' "$url/api/events?[1-$2]" >>"$codes" 2>/dev/null
  }
  hold 7 $((most * 3 / 4)) &
  sleep 2.5
  hold 4 $((most * 2 / 5))
  wait $!
  open=$(grep -c 200 "$codes")
  [ "$open" = "$most" ] && found 503 "$codes" ||
    complain "$open connections were open at once: $(sort "$codes" | uniq -c)" || return
  within 10 healthy
}
# Twenty that send a body, and never its end.
sessions_are_bounded() {
  local socket sockets=() line refused=0 body
  body='PUT /api/session HTTP/1.1\r\nHost: a\r\n'
  body+='Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
  for _ in $(seq 20); do
    exec {socket}<>"/dev/tcp/127.0.0.1/${plain##*:}" || return
    printf '%b' "$body" >&"$socket"
    sockets+=("$socket")
  done
  sleep 1
  for socket in "${sockets[@]}"; do
    ! read -rt 0.1 line <&"$socket" || [[ $line != *" 429 "* ]] || refused=$((refused + 1))
    exec {socket}>&-
  done
  [ "$refused" = 4 ] || complain "$refused of 20 were refused" || return
}
put_session() { # FILE
  ask -X PUT -H 'Content-Type: application/json' --data-binary "@$1" "$url/api/session"
}
session_takes_64k() {
  printf '{"theme":%60000s"dark"}' "" >"$scratch/most"
  answer=$(put_session "$scratch/most") && status 200 && has '"theme":"dark"' || return
  head -c 70000 /dev/zero >"$scratch/more"
  answer=$(put_session "$scratch/more") && status 413
}
# counter:end
# Exit status 100 where it was cut off; 224, which is that of timeout, where it was not.
hold_half() { # REQUEST
  exec 3<>"/dev/tcp/127.0.0.1/${plain##*:}" && printf '%b' "$1" >&3 || return
  timeout 9 cat <&3 >/dev/null 2>&1
  return $((100 + $?))
}
slow_requests_are_cut_off() {
  local one status pids=()
  for one in 'GET / HTTP/1.1\r\nHost: a\r\nX-' \
    "POST $readable HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"; do
    hold_half "$one" &
    pids+=($!)
  done
  for one in "${pids[@]}"; do
    status=0
    wait "$one" || status=$?
    # Closed, or reset where no proxy of the engine stands between.
    [ "$status" = 100 ] || [ "$status" = 101 ] ||
      complain "was not cut off within 9 s: $status" || return
  done
}
connections_are_kept() {
  local before took
  "${curl[@]}" -sS -m 20 -o /dev/null "$url$readable?[1-4]"
  before=$(connections_taken)
  "${curl[@]}" -sS -m 20 -o /dev/null "$url$readable?[1-50]"
  took=$(($(connections_taken) - before))
  # Beside those of health checks.
  [ "$took" -lt 20 ] || complain "50 requests took $took connections" || return
}
# Its port would rest for a minute, and there are only so many.
aborted_requests_cost_no_connection() {
  local before took one
  "${curl[@]}" -sS -m 20 -o /dev/null "$url$readable?[1-4]"
  before=$(connections_taken)
  for one in {1..50}; do
    (exec 3<>"/dev/tcp/127.0.0.1/${plain##*:}" &&
      printf 'GET %s?%s HTTP/1.1\r\nHost: a\r\n\r\n' "$readable" "$one" >&3)
  done
  sleep 1
  took=$(($(connections_taken) - before))
  [ "$took" -lt 20 ] || complain "50 aborted requests took $took connections" || return
}
many_headers_refused() {
  local headers=() one
  for one in {1..60}; do
    headers+=(-H "X-$one: a")
  done
  answer=$(ask "${headers[@]}" "$url/") && status 400 && has problem+json || return
  answer=$(ask "${headers[@]:0:80}" "$url$readable") && status 200
}
# Two conditions that Nginx itself looks at.
preconditions_fail_in_words() {
  answer=$(ask -H 'If-Match: "zz"' "$url/static/icon.svg") && status 412 && has problem+json &&
    security_headers || return
  answer=$(ask -H 'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT' "$url/static/icon.svg") &&
    status 412 && has problem+json
}
# What the log takes for the client's address of a request that claims to be of three others.
forged_client() {
  local id
  id=$(ask -H 'X-Forwarded-For: 198.51.100.1, 203.0.113.9' -H 'X-Real-IP: 203.0.113.9' \
    -H 'Forwarded: for=203.0.113.9' "$url/static/icon.svg" | sed -n 's/^X-Request-Id: //pI')
  within 10 logged_client "$id" && logged_client "$id"
}
logged_client() { # REQUEST-ID
  docker compose logs --no-log-prefix nginx |
    sed -n "s/.*\"id\":\"$1\",\"client\":\"\([^\"]*\)\".*/\1/p" | grep .
}
forged_address_ignored() {
  local client
  client=$(forged_client)
  [[ $client =~ ^[0-9a-f.:]+$ && $client != 203.0.113.9 && $client != 198.51.100.1 ]] ||
    complain "the log says '$client'" || return
}
trusted_proxy_believed() {
  local client other trusted file=conf/$environment/nginx/http/smoke-trusted-proxy.conf
  # shellcheck disable=SC2064 # of this file
  trap "rm -f $file; docker compose kill -s HUP nginx >/dev/null 2>&1" RETURN
  client=$(forged_client)
  believe() {
    printf '%s;\n' "set_real_ip_from $1" 'real_ip_header X-Forwarded-For' \
      'real_ip_recursive on' >"$file"
    docker compose kill -s HUP nginx >/dev/null 2>&1
    sleep 2
  }
  believe 192.0.2.1
  other=$(forged_client)
  believe "$client"
  trusted=$(forged_client)
  # The last of the list, which the proxy added; not the first, which anybody can write.
  [[ $other = "$client" && $trusted = 203.0.113.9 ]] ||
    complain "a stranger: '$other' for '$client'; the trusted proxy: '$trusted'" || return
}
use_up() { # CURL-ARGUMENT… URL: how many were refused
  "${curl[@]}" -sS -Z --parallel-max 50 -m 20 --path-as-is -o /dev/null -w '%{http_code}\n' "$@" \
    2>/dev/null | grep -c -e 429
}
refused_at() { # CURL-ARGUMENT… PATH
  local many
  # More where this machine is too slow to ask more than it may.
  for many in 150 600 600 600; do
    [ "$(use_up "${@:1:$#-1}" "$url${*: -1}?[1-$many]")" = 0 ] || return 0
  done
  complain "not refused: $*"
}
# Every limit of this address is used up first; then whatever spelling is not refused has found a
# way around it.
limits_hold_in_any_spelling() {
  local method path
  for path in "$readable" /health; do
    use_up "$url$path?[1-500]" >/dev/null
  done
  use_up -X POST "$url$malformed?[1-500]" >/dev/null
  for path in /x%20/nginx/health /x%20/health /x%20/health/live /nginx/health%20 /nginx/health/ \
    /nginx/health%0a /NGINX/HEALTH /Health /health/ /health%20 '/health;x' /health%0a /health%2fx \
    /health/live/ /health/live%0A //x/nginx/health /x/../y%20/nginx/health /nginx%2fhealth%2f \
    '/nginx/health;/' /a%20GET%20/health /%0aGET%20/nginx/health /x%09/health /x%0b/nginx/health \
    /static/x%20/nginx/health; do
    refused_at "$path" || return
  done
  # As many spellings of what is asked about health: they share one limit, and do not escape it.
  for path in /health //health /%68ealth /health//live /health/./live /x/../health; do
    refused_at "$path" || return
  done
  for method in POST PUT DELETE PATCH PROPFIND X-HEALTH; do
    for path in /x%20/nginx/health /x%20/health "$malformed" /health%0a; do
      refused_at -X "$method" "$path" || return
    done
  done
  # The absolute form, whose host is anybody's to choose.
  for path in /x%20/nginx/health /health "$readable"; do
    refused_at --http1.1 --request-target "http://localhost$path" / || return
  done
  within 20 healthy
}
# A body that nobody wants, of any size, alone and forty at once: it is read or refused, and nothing
# is written untold.
bodies_are_read_or_refused() {
  local body size target answers told before one grown
  body=$scratch/body
  for size in 900 1025 16384 60000 65536 200000; do
    head -c "$size" /dev/zero | tr '\0' a >"$body"
    for target in "${writing[@]}" "${reading[@]}" 'POST /no/such' 'DELETE /health' \
      'GET /static/icon.svg'; do
      before=$(total)
      # Over HTTP/2 curl passes over an answer that comes before it has sent everything.
      answers=$("${curl[@]}" --http1.1 -sS -Z --parallel-max 40 -m 20 -o /dev/null \
        -w '%{http_code}\n' -X "${target% *}" -H 'Content-Type: text/plain' --data-binary "@$body" \
        "$url${target#* }?[1-40]" 2>/dev/null | sort | uniq -c)
      ! grep -E ' (5..|000)$' <<<"$answers" ||
        complain "$target with $size bytes: $answers" || return
      told=0
      for one in "${writing[@]}"; do
        [ "$target" != "$one" ] || told=$(awk '$2 == 200 { print $1 }' <<<"$answers")
      done
      grown=$(($(total) - before))
      [ "$grown" = "${told:-0}" ] ||
        complain "$target with $size bytes: $answers, but the total grew by $grown" || return
      # As slowly as the limits ask.
      sleep 0.5
    done
  done
}
icon_and_robots() {
  answer=$(ask "$url/favicon.ico") && status 200 && has 'content-type: image/svg+xml' || return
  answer=$(ask "$url/robots.txt") && status 200 && has 'content-type: text/plain' &&
    has '^Disallow: /'
}
# counter:begin
no_template_shown() {
  local path
  for path in /static /static/ /static/index.html /static/page.html /static/../page.html \
    /page.html /index.html /static/. /static//; do
    answer=$(ask --path-as-is "$url$path") && lacks '<!-- visits -->' && status 4 &&
      has problem+json || complain "at $path" || return
  done
}
# counter:end
# A byte that is no UTF-8 and every sign that JSON knows, wherever a client can write.
log_is_json_whatever_is_sent() {
  local mark=smoke-$RANDOM-$RANDOM lines
  ask -A $'\xff\xfe"\\{} \t' "$url/$mark/1" >/dev/null
  ask -A $'\x01' "$url/$mark/2" >/dev/null
  ask --globoff --path-as-is "$url/$mark/3"$'-\xc3\x28-\xed\xa0\x80-"\\{}' >/dev/null
  ask "$url/$mark/4-%ff%22%0a?%ff" >/dev/null
  ask -A 'ü-日本-😀' "$url/$mark/5" >/dev/null
  within 5 logged_all "$mark" || return
  lines=$scratch/lines
  docker compose logs --no-log-prefix nginx | grep -F "/$mark/" | grep -o '{"time".*' >"$lines"
  iconv -f UTF-8 -t UTF-8 "$lines" >/dev/null || complain "a line is not UTF-8" || return
  grep -c '"userAgent":"(not UTF-8)"' "$lines" >/dev/null ||
    complain "the agent that is none was logged: $(cat "$lines")" || return
  grep -c -F '"userAgent":"ü-日本-😀"' "$lines" >/dev/null ||
    complain "another script was not: $(cat "$lines")" || return
  # Quotes come in pairs once what is escaped is gone.
  ! sed 's/\\.//g' "$lines" | awk -F '"' 'NF % 2 == 0' | grep . ||
    complain "a line is not JSON" || return
}
# The second is refused before it has an address.
logged_all() {
  local lines
  lines=$(docker compose logs --no-log-prefix nginx | grep -F "/$1/" | grep -c '"time"')
  [ "$lines" -ge 4 ]
}
nginx_health() { answer=$(ask "$url/nginx/health") && status 200; }
status_from_inside_only() {
  answer=$(ask "$url/nginx/status") && status 403 && has problem+json || return
  inside nginx curl -fsSk "${inner:-http://127.0.0.1:8080}/nginx/status" |
    found 'Active connections'
}
log_is_json() {
  local id
  id=$(ask "$url/health?secret=smoke" | sed -n 's/^X-Request-Id: //pI')
  within 5 logged "$id" || return
  # Without its query.
  docker compose logs --no-log-prefix nginx | grep "\"id\":\"$id\"" | found '"uri":"/health",'
}
logged() {
  docker compose logs --no-log-prefix nginx | grep "\"id\":\"$1\"" |
    grep '"upstream":"[0-9.]*:5000"' | found '"upstreamSeconds":"[0-9.]*"'
}
