# shellcheck shell=bash
# Checks of production alone.

plain_is_redirected() {
  answer=$(ask "$plain/some/page?x=1") && status 301 &&
    has '^location: https://127.0.0.1/some/page?x=1' || return
  answer=$(ask "$plain/nginx/health") && status 200 || return
  local folder=conf/prod/acme/.well-known/acme-challenge
  mkdir -p "$folder" && echo proof >"$folder/smoke" && chmod -R go+rX conf/prod/acme
  answer=$(ask "$plain/.well-known/acme-challenge/smoke")
  rm "$folder/smoke"
  status 200 && has '^proof$'
}
no_tickets() {
  answer=$(openssl s_client -connect "${url#https://}" -tls1_2 </dev/null 2>/dev/null) &&
    has 'Protocol *: TLSv1.2' && lacks 'session ticket'
}
other_names_refused() {
  local name=other.example
  answer=$(ask -H "Host: $name" "$url/") && status 421 && has problem+json &&
    lacks "$name" || return
  answer=$(ask -H "Host: $name" "$plain/x") && status 421 && has problem+json &&
    lacks "$name" || return
  # A name is one, however it is written.
  answer=$(ask -H 'Host: LOCALHOST:8443' "$url/health") && status 200 || return
  answer=$(ask -H 'Host: localhost.' "$plain/x") && status '\(301\|421\)' && lacks 'localhost\./'
}
# 220 connections of one client, each with a window that stays shut and 120 requests at once.
shut_windows_are_bounded() {
  local most clients others
  scripts/load.sh >/dev/null || return
  crowd shut 8443 220 1 120 12 >"$scratch/crowd" 2>&1 &
  clients=$!
  while kill -0 "$clients" 2>/dev/null; do
    "${curl[@]}" -fsS -m 5 -o /dev/null "$url/nginx/health" || exit
    sleep 1
  done &
  others=$!
  most=$(memory_peak_beside "$clients" nginx)
  wait "$others" || complain "nobody else was answered" || return
  answer=$(cat "$scratch/crowd")
  has 'held=[12]' || return
  [ "$most" -le 25 ] || complain "Nginx took $most % of its memory" || return
  ! docker compose logs --since 60s nginx 2>&1 | grep 'exited on signal'
}
speaks_http2() { answer=$(ask --http2 "$url/health") && grep -q '^HTTP/2 200' <<<"$answer"; }
old_tls_refused() {
  local version
  for version in 1.2 1.3; do
    "${curl[@]}" -fsS -o /dev/null "--tlsv$version" --tls-max "$version" "$url/health" || return
  done
  for version in 1.0 1.1; do
    ! "${curl[@]}" -sS -o /dev/null "--tlsv$version" --tls-max "$version" \
      --ciphers DEFAULT@SECLEVEL=0 "$url/health" 2>/dev/null ||
      complain "TLS $version works" || return
  done
}
hsts_is_set() {
  answer=$(ask "$url/no/such") && has '^strict-transport-security: max-age=63072000'
}
# counter:begin
cookies_are_secure() {
  answer=$(ask -A Firefox -H 'Accept: text/html' "$url/") &&
    has '^set-cookie: tally-session=.*; Secure'
}
# counter:end
sample_password_refused() {
  local said
  ! said=$(docker compose run --rm --no-deps -T -e REDIS_PASSWORD_FILE= \
    -e REDIS_PASSWORD=tally-sample-password app 2>&1) || complain "it started" || return
  grep -q 'redis.password: is the sample of the repository' <<<"$said" || complain "$said" || return
}
missing_secrets_named() {
  local said
  mv conf/prod/secrets/made-by-scripts-secrets.sh.yaml conf/prod/secrets/hidden
  said=$(docker compose up -d 2>&1)
  local result=$?
  mv conf/prod/secrets/hidden conf/prod/secrets/made-by-scripts-secrets.sh.yaml
  [ "$result" != 0 ] || complain "it started" || return
  grep -q 'made-by-scripts-secrets.sh' <<<"$said" || complain "$said"
}

# counter:begin
new_certificate_taken() {
  local before after heard=$scratch/heard kept=$scratch/kept
  mkdir "$kept" && cp -p conf/prod/certs/live/*.pem "$kept" || return
  # The old workers say goodbye to connections that are just being made: what is checked next must
  # not meet them.
  # shellcheck disable=SC2064 # of these files
  trap "
    mv -f $kept/*.pem conf/prod/certs/live/
    docker compose exec -T nginx nginx -s reload 2>/dev/null
    sleep 2" RETURN
  fingerprint() {
    openssl s_client -connect "${url#https://}" </dev/null 2>/dev/null |
      openssl x509 -noout -fingerprint
  }
  before=$(fingerprint)
  "${curl[@]}" -sS -N -m 12 "$url/api/events" >"$heard" 2>&1 &
  sleep 1
  scripts/cert.sh --force >/dev/null &&
    docker compose exec -T nginx nginx -s reload 2>/dev/null || return
  sleep 2
  after=$(fingerprint)
  "${curl[@]}" -fsS -m 10 "$url/" >/dev/null || return
  sleep 2
  [[ -n $after && $before != "$after" ]] || complain "still the old one" || return
  # Over the connection from before the reload.
  [ "$(grep -c '^event: visit' "$heard")" -ge 2 ] ||
    complain "the open page heard: $(cat "$heard")" || return
}
# counter:end
new_passwords_cost_nothing() {
  local old said answers
  old=$(cat conf/prod/secrets/redis-password)
  answers=$scratch/answers
  # One every 50 ms, which the rate limit lets pass.
  # shellcheck disable=SC2016 # that shell expands it
  timeout 120 sh \
    -c 'while :; do curl -k -sS -m 20 -o /dev/null -w "%{http_code}\n" "$0"; sleep 0.05; done' \
    "$url/" >"$answers" 2>&1 &
  local load=$!
  said=$(scripts/secrets.sh --rotate 2>&1 && scripts/rollout.sh --prod 2>&1 &&
    scripts/secrets.sh --retire 2>&1)
  local result=$?
  sleep 1
  kill "$load"
  wait "$load" 2>/dev/null
  [ "$result" = 0 ] || complain "$said" || return
  [ "$(wc -l <"$answers")" -ge 100 ] && ! grep -qvx 200 "$answers" ||
    complain "answers by status: $(sort "$answers" | uniq -c)" || return
  said=$(docker compose exec -T -e "REDISCLI_AUTH=$old" redis redis-cli -e --user app ping 2>&1)
  grep -q WRONGPASS <<<"$said" || complain "the old password still works: $said" || return
  redis_as app ping | found PONG
}
