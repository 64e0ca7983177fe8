# shellcheck shell=bash
# Checks of conf/external-redis: a stack beside this one, with a Redis that is not of it.

# With TLS, an authority of its own, and the password from a file.
external_redis_counts() {
  local other folder=$scratch/tls gateway port said password=$RANDOM$RANDOM$RANDOM result=0
  other=$(setting name)-external
  port=$(free_port 18280)
  # Redis' own user reads in it.
  mkdir -m 0755 "$folder"
  # The address by which the containers know this machine: Redis is reachable there alone.
  gateway=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}') || return
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
    -subj /CN=host.docker.internal -addext subjectAltName=DNS:host.docker.internal \
    -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null || return
  echo "$password" >"$folder/password"
  chmod 0444 "$folder"/*
  local stack=(
    env COMPOSE_ENV_FILES=conf/external-redis/.env
    "COMPOSE_PROJECT_NAME=$other" "APP_NETWORK=$other" "HTTP_PORT=$port"
    "REDIS_URL=rediss://host.docker.internal:$((port + 100))/0"
    "REDIS_PASSWORD_FILE=$folder/password" "REDIS_TLS_CA=$folder/certificate.pem"
    "TALLY_IMAGE=$(inspect app '{{.Config.Image}}')"
  )
  # shellcheck disable=SC2064 # of these
  trap "{
    ${stack[*]} docker compose down -v -t 2
    docker rm -f $other
  } >/dev/null 2>&1" RETURN
  docker run -d --name "$other" -p "$gateway:$((port + 100)):6380" -v "$folder:/tls:ro" \
    --entrypoint redis-server "$(inspect redis '{{.Config.Image}}')" \
    --port 0 --tls-port 6380 --tls-auth-clients no \
    --tls-cert-file /tls/certificate.pem --tls-key-file /tls/key.pem \
    --requirepass "$password" --save "" >/dev/null || return
  said=$("${stack[@]}" docker compose up -d --wait --no-build 2>&1) ||
    complain "$said" "$("${stack[@]}" docker compose logs --tail 5 app)" || return
  answer=$(ask "${write[@]}" "http://127.0.0.1:$port$write_path") && status "$written" || return
  # shellcheck disable=SC2016 # the container's shell expands it
  answer=$(docker exec "$other" sh -c '
    REDISCLI_AUTH=$(cat /tls/password) redis-cli -p 6380 --tls --insecure get visit_count' 2>&1)
  [ "$answer" = 1 ] || complain "there: $answer" || result=1
  said=$("${stack[@]}" docker compose ps --services | sort | xargs)
  [ "$said" = "app nginx" ] || complain "runs: $said" || result=1
  return $result
}
# Nothing starts on a Redis that nobody named.
external_redis_asked_for() {
  local said
  ! said=$(env -u REDIS_URL COMPOSE_ENV_FILES=conf/external-redis/.env \
    docker compose config -q 2>&1) || complain "it is content" || return
  grep -q 'REDIS_URL is missing a value: say where Redis is' <<<"$said" ||
    complain "$said" || return
}
