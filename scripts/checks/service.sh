# shellcheck shell=bash
# Checks of what the service answers.

# counter:begin checks
visit() { # and its number
  "${curl[@]}" -sS -m 10 "$url/" | sed -n 's/.*"visits":\([0-9]*\).*/\1/p'
}
counts_a_visit() {
  local first second
  first=$(visit)
  second=$(visit)
  [ "$second" -gt "$first" ] || complain "$first, then $second" || return
}
reads_without_counting() {
  local before
  before=$(total)
  answer=$(ask "$url/api/visits") && status 200 && has '{"visits":[0-9]*}' || return
  [ "$(total)" = "$before" ] || complain "the total moved from $before to $(total)" || return
}
page_has_the_number() {
  answer=$(ask -H 'Accept: text/html' "$url/") && status 200 && has 'content-type: text/html' &&
    has '>[0-9]\+</output>'
}
# counter:end
health_reports() {
  answer=$(ask "$url/health") && status 200 && has '"status":"up"' && has '"latencyMs":[0-9]' &&
    has '"usedMemoryBytes":[0-9]' &&
    has '"lastSave":"ok"' && has '"uptimeSeconds":[0-9]' && has '"version":"[0-9d]' &&
    has '"instance":"[0-9a-f]'
}
live_answers() { answer=$(ask "$url/health/live") && status 200; }
unknown_is_404() {
  answer=$(ask "$url/no/such") && status 404 &&
    has 'content-type: application/problem+json' && has '"status":404'
}
wrong_method_is_405() {
  answer=$(ask -X DELETE "$url$readable") && status 405 &&
    has '^allow: GET' && has problem+json
}

# counter:begin
counts_a_page() {
  answer=$(ask -X POST "$url/api/visits/smoke") && status 200 &&
    has '{"page":"smoke","visits":[1-9]' || return
  answer=$(ask -X POST "$url/api/visits/smoke%07") && status 400 && has problem+json
}
# Errors as well, those of Nginx among them: it answers a POST of a file.
other_sites_may_read() {
  local path origin='Origin: https://blog.example' preflight='Access-Control-Request-Method: POST'
  for path in /api/visits /api/visits/smoke /api/visits/smoke%07 /api/visitors /api/stats \
    /badge/smoke.svg /badge/smoke.svg?color=none /count.js; do
    answer=$(ask -H "$origin" "$url$path")
    readable_by_all || complain "at $path" || return
  done
  answer=$(ask -H "$origin" -X POST "$url/count.js") && status 405 && readable_by_all || return
  answer=$(ask -H "$origin" -H "$preflight" -X OPTIONS "$url/count/smoke") && status 204 &&
    readable_by_all && has '^access-control-max-age: 86400' || return
  for path in /api/session /health/live /no/such; do
    answer=$(ask -H "$origin" "$url$path") && lacks '^access-control-allow-origin' || return
  done
}
readable_by_all() {
  [ "$(grep -ci '^access-control-allow-origin: \*$' <<<"$answer")" = 1 ] ||
    complain "not one Access-Control-Allow-Origin: *" "$answer"
}
shows_a_badge() {
  local etag
  answer=$(ask "$url/badge/smoke.svg?label=hits&color=green") && status 200 &&
    has 'content-type: image/svg+xml' && has '<title id="t">hits: ' &&
    has '^cache-control: public, max-age=5' || return
  etag=$(sed -n 's/^etag: //pI' <<<"$answer")
  answer=$(ask -H "If-None-Match: $etag" "$url/badge/smoke.svg?label=hits&color=green") &&
    status 304
}
badge_counts() {
  local before head badge="$url/badge/smoke.svg?count" camo='github-camo (876de43e)'
  before=$(page_visits)
  answer=$(ask -A "$camo" "$badge") && status 200 &&
    has "<title id=\"t\">visits: $(grouped $((before + 1)))<" &&
    has '^cache-control: no-cache, no-store, max-age=0, must-revalidate' &&
    has '^expires: Thu, 01 Jan 1970' && lacks '^etag:' || return
  head=$(ask -I -A "$camo" "$badge")
  same_headers "$answer" "$head" || return
  answer=$(ask -A Googlebot "$badge") && status 200 &&
    has '^cache-control: no-cache, no-store' || return
  [ "$(page_visits)" = $((before + 1)) ] ||
    complain "one showing moved the count from $before to $(page_visits)" || return
}
page_visits() {
  "${curl[@]}" -fsS -m 10 --retry 5 --retry-all-errors "$url/api/visits/smoke" |
    sed 's/.*"visits":\([0-9]*\).*/\1/'
}
grouped() { # NUMBER: with commas
  sed -E ':again; s/([0-9])([0-9]{3})(,|$)/\1,\2\3/; t again' <<<"$1"
}
same_headers() { # ANSWER ANSWER: but for those of each answer's own
  local own='^x-request-id\|^date'
  diff <(sed '/^$/,$d' <<<"$1" | grep -v -i "$own") <(sed '/^$/,$d' <<<"$2" | grep -v -i "$own") ||
    complain "HEAD has other headers than GET" || return
}
badge_for_shields() {
  answer=$(ask "$url/badge/smoke.json?label=hits&format=1234") && status 200 &&
    has '^content-type: application/json' &&
    has '^{"schemaVersion":1,"label":"hits","message":"[0-9]*","color":"1d6b45"}' || return
  answer=$(ask "$url/badge/smoke.json?color=none") && status 400 &&
    has '"message":"unknown color","color":"c0342b","isError":true'
}
statistics_are_cached() {
  answer=$(ask "$url/api/stats") && status 200 && has '^x-cache: \(HIT\|MISS\|STALE\)' &&
    has '^etag: ' && has '"minutes":\[[0-9,]*\]' || return
  # Twice, for the first may be the last of its ten seconds.
  answer=$(ask "$url/api/stats" "$url/api/stats") &&
    has '^x-cache-edge: \(HIT\|UPDATING\|STALE\)' || return
  # Past the edge: the second answer within a second is from Redis.
  answer=$(inside app sh -c '
    for i in 1 2 3; do wget -S -q -O /dev/null http://127.0.0.1:5000/api/stats; done' 2>&1 |
    tr -d '\r')
  has 'x-cache: HIT'
}
statistics_have_one_spelling() {
  local path
  for path in /api/%73tats /api/./stats /api//stats /x/../api/stats; do
    answer=$(ask --path-as-is "$url$path") && status 200 && has '^x-cache-edge:' &&
      has '"visitorsToday"' || complain "at $path" || return
  done
}
# A clock of Nginx that is set back would keep what it holds as fresh as long: so each ten seconds
# begin without.
statistics_begin_anew() {
  local ten before="" begun=0
  while [ "$begun" -lt 3 ]; do
    answer=$(ask "$url/api/stats") && status 200 || return
    ten=$(sed -n 's/^[Dd]ate: .*:[0-9]*:\([0-5]\)[0-9] GMT$/\1/p' <<<"$answer")
    if [ -n "$before" ] && [ "$ten" != "$before" ]; then
      # Somebody else may have been the first to ask.
      begun=$((begun + 1))
      ! has '^x-cache-edge: MISS' >/dev/null || return 0
    fi
    before=$ten
    sleep 0.3
  done
  has '^x-cache-edge: MISS'
}
statistics_are_of_now() {
  local total
  ask "$url/api/stats" >/dev/null
  sleep 10
  total=$(visit)
  answer=$(ask "$url/api/stats") && status 200 && lacks '^x-cache-edge: STALE' || return
  [ "$(sed -n 's/^{"visits":\([0-9]*\),.*/\1/p' <<<"$answer")" -ge "$total" ] ||
    complain "$total were counted, not so in:" "$answer" || return
}
sessions_work() {
  local cookie
  answer=$(ask -A Firefox -H 'Accept: text/html' "$url/") &&
    has '^set-cookie: tally-session=[0-9a-f]\{32\}; .*HttpOnly; SameSite=Lax' || return
  cookie=$(sed -n 's/^set-cookie: \([^;]*\);.*/\1/pI' <<<"$answer")
  answer=$(ask -X PUT -H 'Content-Type: application/json' -b "$cookie" -d '{"theme":"dark"}' \
    "$url/api/session") && status 200 || return
  answer=$(ask -b "$cookie" "$url/api/session") && status 200 && has '"visits":1' &&
    has '"data":{"theme":"dark"}' || return
  answer=$(ask -X DELETE -b "$cookie" "$url/api/session") && status 204 || return
  answer=$(ask -b "$cookie" "$url/api/session") && status 404
}
no_session_unasked() { answer=$(ask "$url/") && lacks '^set-cookie'; }
events_are_live() {
  answer=$(
    {
      sleep 1
      "${curl[@]}" -sS "$url/" >/dev/null
    } &
    "${curl[@]}" -sS -i -N -m 3 "$url/api/events" 2>/dev/null | tr -d '\r'
  )
  status 200 && has '^content-type: text/event-stream' && has '^retry: ' || return
  [ "$(grep -c '^event: visit' <<<"$answer")" -ge 2 ] ||
    complain "no event for the visit in:" "$answer" || return
}
# A line of its own every 15 s keeps it.
quiet_page_stays_open() {
  local heard status=0
  heard=$("${curl[@]}" -sS -N -m 17 "$url/api/events" 2>&1) || status=$?
  # 28: curl's own time was over.
  [ "$status" = 28 ] && grep -q '^:' <<<"$heard" ||
    complain "ended with $status after: $heard" || return
}
# counter:end
# Start, stop and what goes wrong; not what is asked.
log_is_quiet() {
  local path before
  before=$(docker compose logs --no-log-prefix app 2>&1 | wc -l)
  for path in "${answering[@]}" /no/such; do
    ask "$url$path" >/dev/null
  done
  answer=$(docker compose logs --no-log-prefix app 2>&1)
  [ "$(wc -l <<<"$answer")" = "$before" ] ||
    complain "requests were logged:" "$(tail -n 5 <<<"$answer")" || return
  ! grep -E ' (DEBUG|TRACE) ' <<<"$answer" | head -n 3 | grep .
}
described() {
  answer=$(ask "$url/openapi.yaml") && status 200 &&
    has 'content-type: application/yaml' && has '^openapi: 3.1' && has "^  $readable:"
}
metrics_inside_only() {
  local path
  for path in /metrics /metrics/ //metrics /%6detrics '/metrics;x'; do
    answer=$(ask --path-as-is "$url$path")
    lacks '^tally_http' || return
    status '4' || return
  done
  inside app wget -q -O - http://127.0.0.1:5000/metrics | found '^tally_http_request_seconds_count'
}
