#!/usr/bin/env bash
# restore.sh [--prod] FILE: puts a backup in the place of what Redis holds, in a stack that runs or
# was never started.
#
# A damaged FILE is refused before anything is touched. The app answers 503 for the moment and goes
# on by itself. What was there before stays beside it in Redis' volume, and comes back if the backup
# does not load. One at a time, and not beside a backup or a rollout. After a kill -9 Redis may be
# stopped: the same command again goes on. --prod: the stack of conf/prod/.env.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

file=""
for argument; do
  case $argument in
    --prod) export COMPOSE_ENV_FILES=conf/prod/.env ;;
    -*) misuse "unknown argument $argument; see --help" ;;
    *) file=$(cd "$(dirname "$argument")" && pwd)/$(basename "$argument") ;;
  esac
done
cd "$(dirname "$0")/.."
[ -n "$file" ] || fail "which file? see --help"
. scripts/lib/lock.sh
. scripts/lib/redis.sh
. scripts/lib/service.sh
. scripts/lib/stack.sh
lock "$(setting name)-data"

held_now() { held redis_inside_as operator; }
total_of() { # HELD
  sed 's/^[a-z]*: //; s/,.*//' <<<"$1"
}
in_volume() { # COMMANDS
  docker compose run --rm --no-deps -T --entrypoint sh redis -euc "cd /data; $1"
}

holds=$(scripts/backup.sh --check "$file")
echo "in the backup: $holds"
[ -z "$(docker compose ps -q --status running redis)" ] || echo "before: $(held_now)"

# Redis reads its log, and only that: so the backup becomes the log's base, on which it goes on.
replaced=replaced-$(date +%Y%m%d-%H%M%S) moved=""
put_back() {
  trap - EXIT
  # A second Ctrl-C must not leave half of it.
  trap '' INT TERM
  echo "restore.sh: putting back what was there before" >&2
  [ -z "$moved" ] || docker compose stop redis 2>/dev/null
  in_volume "
    if [ -e $replaced/whole ]; then rm -rf appendonlydir dump.rdb; fi
    for old in $replaced/appendonlydir $replaced/dump.rdb; do [ ! -e \$old ] || mv \$old .; done
    rm -rf $replaced" </dev/null ||
    echo "restore.sh: it is in Redis' volume, in /data/$replaced" >&2
  [ -z "$moved" ] || docker compose up -d --wait redis >/dev/null 2>&1
}
trap put_back EXIT
trap 'exit 1' INT TERM
# Beside the data first: if there is no room for it, Redis has not stopped. What one that was killed
# had put there goes, and what it had already taken away stays.
in_volume "
  for old in replaced-*/; do
    rm -rf \"\${old}new\" \"\${old}whole\"
    rmdir \"\$old\" 2>/dev/null || true
  done
  mkdir $replaced $replaced/new
  cat >$replaced/new/appendonly.aof.1.base.rdb
  echo 'file appendonly.aof.1.base.rdb seq 1 type b' >$replaced/new/appendonly.aof.manifest
  sync" <"$file" || fail "the backup could not be copied into Redis' volume (a full disk?)"
moved=yes
docker compose stop redis 2>/dev/null
in_volume "
  for old in appendonlydir dump.rdb; do [ ! -e \$old ] || mv \$old $replaced/; done
  touch $replaced/whole
  mv $replaced/new appendonlydir" </dev/null ||
  fail "the backup could not be put in the place of the data"
docker compose up -d --wait redis >/dev/null 2>&1 ||
  fail "Redis did not start with the backup; docker compose logs redis says why"
after=$(held_now) || fail "Redis did not answer after it started with the backup"
# Or more: the app has found it and counts on.
[ "$(total_of "$after")" -ge "$(total_of "$holds")" ] ||
  fail "Redis holds less than the backup: $after"
trap - EXIT
trap '' INT TERM
in_volume "rm $replaced/whole" </dev/null
echo "after: $after"
echo "What was there before is in Redis' volume, in /data/$replaced. To remove it:"
echo "  $(compose_by_hand) exec redis rm -r /data/$replaced"
