# shellcheck shell=bash
# How the checks ask, and what they look for.

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
