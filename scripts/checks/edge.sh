# shellcheck shell=bash
# Checks of what Nginx does before the service is asked.

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
