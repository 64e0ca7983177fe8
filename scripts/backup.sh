#!/usr/bin/env bash
# backup.sh [--prod] [FILE]: copies all that the running stack's Redis holds, as of now, into a file
# with a date: .data/backups/tally-<date>.rdb, or FILE. scripts/restore.sh takes it back.
# backup.sh --check FILE: only says what a backup holds, or that it is damaged.
#
# The copy is consistent, all goes on meanwhile, and the user that asks Redis for it may do
# nothing else. It is verified by a Redis of its own that loads it. --prod: the stack of
# conf/prod/.env. Every night at four, by cron:
#
#   0 4 * * * cd /path/to/tally && scripts/backup.sh --prod && find .data/backups -mtime +30 -delete
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

check="" file=""
for argument; do
  case $argument in
    --prod) export COMPOSE_ENV_FILES=conf/prod/.env ;;
    --check) check=yes ;;
    -*) misuse "unknown argument $argument; see --help" ;;
    *) file=$(cd "$(dirname "$argument")" && pwd)/$(basename "$argument") ;;
  esac
done
cd "$(dirname "$0")/.."
. scripts/lib/service.sh

why_not_loaded() { # CONTAINER
  docker logs "$1" 2>&1 |
    grep -iE 'short read|checksum|unexpected|wrong|unknown|corrupt|fatal|newer' |
    head -n 1 | cut -c1-200
}
# Loads the file in a Redis that has nothing else, and says what it holds.
check() ( # FILE
  local image container deadline=$((SECONDS + 120))
  [ -s "$1" ] || fail "$1 is not there, or empty"
  image=$(docker compose config --images redis)
  # What one that was killed left behind has ended by itself.
  docker ps -aq --filter label=tally.check --filter status=exited |
    xargs -r docker rm -fv >/dev/null
  container=tally-check-$$-$RANDOM
  # With its volume, and also when it fails.
  # shellcheck disable=SC2064 # of this container
  trap "docker rm -fv $container >/dev/null 2>&1" EXIT
  docker run -d --name "$container" --label tally.check --network none --read-only --cap-drop ALL \
    --user "$(id -u):$(id -g)" --mount "type=bind,\"source=$1\",target=/backup.rdb,readonly" \
    --entrypoint timeout "$image" 150 \
    redis-server --save "" --dir / --dbfilename backup.rdb >/dev/null
  until docker exec "$container" redis-cli -e ping >/dev/null 2>&1; do
    [ "$(docker inspect --format '{{.State.Running}}' "$container")" = true ] ||
      fail "$1 is damaged, or of a newer Redis: $(why_not_loaded "$container")"
    [ "$SECONDS" -lt "$deadline" ] || fail "$1 was not loaded within two minutes"
    sleep 0.2
  done
  held docker exec "$container" redis-cli -e
)

if [ -n "$check" ]; then
  [ -n "$file" ] || fail "which file? see --help"
  check "$file"
  exit
fi

. scripts/lib/lock.sh
. scripts/lib/redis.sh
. scripts/lib/stack.sh
lock "$(setting name)-data" shared

state() { # FIELD
  redis_inside_as backup info persistence | tr -d '\r' | sed -n "s/^$1://p"
}
snapshot_ended() {
  [ "$(state rdb_bgsave_in_progress)" = 0 ] || return
  [ "$(state rdb_saves)" -gt "$saves" ] || [ "$(state rdb_last_bgsave_status)" != ok ]
}

[ -n "$(docker compose ps -q --status running redis)" ] ||
  fail "Redis does not run; docker compose up -d starts the stack"
# It holds the ids of sessions, which are as good as passwords.
umask 077
file=${file:-$PWD/.data/backups/tally-$(date +%Y%m%d-%H%M%S).rdb}
mkdir -p "$(dirname "$file")"
# Left by a backup that was killed; none takes this long.
find "$(dirname "$file")" -maxdepth 1 -name '*.rdb.part' -mmin +60 -delete
saves=$(state rdb_saves)
redis_inside_as backup bgsave schedule >/dev/null
deadline=$((SECONDS + 300))
until snapshot_ended; do
  [ "$SECONDS" -lt "$deadline" ] ||
    fail "Redis did not finish its snapshot within five minutes; docker compose logs redis says why"
  sleep 0.2
done
[ "$(state rdb_last_bgsave_status)" = ok ] ||
  fail "Redis could not write its snapshot; docker compose logs redis says why (a full disk?)"
# Only a whole and good one gets the name.
trap 'rm -f "$file.part"' EXIT
docker compose exec -T redis cat /data/dump.rdb >"$file.part"
held=$(check "$file.part")
mv "$file.part" "$file"
echo "$file: $held"
