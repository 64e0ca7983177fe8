# shellcheck shell=bash
# Commands to the stack's Redis.

# With the password that lies in the secrets of the environment, if one does.
redis_as() { # USER COMMAND…
  local user=$1
  shift
  docker compose exec -T -e "REDISCLI_AUTH=$(redis_password "$user")" redis \
    redis-cli -e --user "$user" "$@"
}
redis_password() { # USER
  local secrets=conf/${environment:?}/secrets name=redis-$1-password
  [ "$1" != app ] || name="redis-password"
  cat "$secrets/$name" 2>/dev/null || echo none
}
# With the password that the container itself was given.
redis_inside_as() { # operator|backup COMMAND…
  # shellcheck disable=SC2016 # the container's shell expands it
  docker compose exec -T redis sh -c '
    REDISCLI_AUTH=$(cat "/run/secrets/redis-$0-password") exec redis-cli -e --user "$0" "$@"' "$@"
}
