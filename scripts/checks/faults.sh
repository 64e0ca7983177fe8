# shellcheck shell=bash
# Checks that stop something for a moment.

instance() {
  "${curl[@]}" -sS -m 10 "$url/health" | grep -o '"instance":"[^"]*"'
}
scale_to() { # REPLICAS
  docker compose up -d --no-recreate --scale "app=$1" --wait >/dev/null 2>&1
}
replicas_share_the_load() {
  scale_to $((replicas + 2)) || return
  local seen
  # As slowly as the limit on health checks asks.
  seen=$(
    for _ in $(seq 60); do
      instance
      sleep 0.1
    done | sort | uniq -c
  )
  [ "$(wc -l <<<"$seen")" = $((replicas + 2)) ] || complain "answers by: $seen" || return
  scale_to "$replicas" && within 10 healthy
}
replaced_app_is_found() {
  docker compose up -d --force-recreate --no-deps app --wait >/dev/null 2>&1 && within 10 healthy
}
killed_replica_costs_nothing() {
  scale_to 3 || return
  local before answers victim grown
  before=$(total)
  victim=$(container app)
  answers=$(
    {
      sleep 1
      docker kill -s KILL "$victim" >/dev/null
    } &
    seq "$load" |
      xargs -P 8 -I{} "${curl[@]}" -sS -m 20 -o /dev/null -w '%{http_code}\n' \
        "${write[@]}" "$url$write_path" |
      sort | uniq -c
  )
  docker start "$victim" >/dev/null
  scale_to "$replicas"
  within 15 healthy || return
  [ "$(tr -s ' ' <<<"$answers")" = " $load $written" ] ||
    complain "answers by status: $answers" || return
  grown=$(($(total) - before))
  [ "$grown" = "$load" ] || complain "$load answers, but the total grew by $grown" || return
}
gone_app_is_a_problem() {
  docker compose stop app >/dev/null 2>&1
  answer=$(ask "$url/")
  local result=0
  { status '50[24]' && has problem+json && has '^retry-after: 1' && security_headers; } || result=1
  docker compose start app >/dev/null 2>&1
  within 30 healthy && return $result
}
gone_redis_is_503() {
  local before started result=0
  before=$(total)
  docker compose stop redis >/dev/null 2>&1
  for _ in 1 2 3; do
    started=$(date +%s%N)
    answer=$(ask "${write[@]}" "$url$write_path")
    started=$((($(date +%s%N) - started) / 1000000))
    [ "$started" -lt 2000 ] || complain "took $started ms" || result=1
    { status 503 && has problem+json && has '^retry-after: 1'; } || result=1
  done
  # counter:begin
  {
    answer=$(ask "$url/badge/total.svg") && status 503 && is_badge 'not available now' &&
      has '^retry-after: 1'
  } || result=1
  # counter:end
  { answer=$(ask "$url/health") && status 503 && has '"redis":{"status":"down"'; } || result=1
  { answer=$(ask "$url/health/live") && status 200; } || result=1
  docker compose start redis >/dev/null 2>&1
  within 15 "${curl[@]}" -fsS "${write[@]}" "$url$write_path" || result=1
  [ "$(total)" -gt "$before" ] || complain "the count fell from $before to $(total)" || result=1
  return $result
}
down_and_up_keeps_the_count() {
  local before
  before=$(total)
  docker compose down >/dev/null 2>&1 && docker compose up -d --wait >/dev/null 2>&1 &&
    within 15 healthy || return
  [ "$(total)" -ge "$before" ] || complain "$before before, $(total) after" || return
}
