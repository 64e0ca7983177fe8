#!/usr/bin/env bash
# restore.sh [--prod] FILE: puts a backup in the place of what Redis holds, in a stack that runs or was never started.
#
# A damaged FILE is refused before anything is touched. The app answers 503 for the moment and goes on by itself. What
# was there before stays beside it in Redis' volume, and comes back if the backup does not load. --prod: the stack of
# conf/prod/.env.
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

file=""
for argument; do
  case $argument in
    --prod) export COMPOSE_ENV_FILES=conf/prod/.env ;;
    -*) echo "restore.sh: unknown argument $argument; see --help" >&2; exit 2 ;;
    *) file=$(cd "$(dirname "$argument")" && pwd)/$(basename "$argument") ;;
  esac
done
cd "$(dirname "$0")/.."
fail() { echo "restore.sh: $*" >&2; exit 1; }
[ -n "$file" ] || fail "which file? see --help"

count() {
  # shellcheck disable=SC2016 # the container's shell expands it
  docker compose exec -T redis sh -c 'REDISCLI_AUTH=$(cat /run/secrets/redis-operator-password) redis-cli -e --user operator get visit_count; REDISCLI_AUTH=$(cat /run/secrets/redis-operator-password) redis-cli -e --user operator zcard tally:pages' |
    tr -d '\r' | paste -sd' ' | sed 's/^ /0 /; s/ / visits, /; s/$/ pages/'
}
in_volume() { docker compose run --rm --no-deps -T --entrypoint sh redis -euc "$1"; }

holds=$(scripts/backup.sh --check "$file")
echo "in the backup: $holds"
[ -z "$(docker compose ps -q --status running redis)" ] || echo "before: $(count)"
docker compose stop redis 2>/dev/null
replaced=replaced-$(date +%Y%m%d-%H%M%S)
# Redis reads its log, and only that: so the backup becomes the log's base, on which it goes on.
in_volume "
  cd /data
  mkdir $replaced appendonlydir.new
  cat >appendonlydir.new/appendonly.aof.1.base.rdb
  echo 'file appendonly.aof.1.base.rdb seq 1 type b' >appendonlydir.new/appendonly.aof.manifest
  for old in appendonlydir dump.rdb; do [ ! -e \$old ] || mv \$old $replaced/; done
  mv appendonlydir.new appendonlydir" <"$file"
if docker compose up -d --wait redis >/dev/null 2>&1 && after=$(count) && [ "$after" = "$holds" ]; then
  echo "after: $after"
  echo "What was there before is in Redis' volume, in /data/$replaced. To remove it:"
  echo "  docker compose exec redis rm -r /data/$replaced"
else
  docker compose stop redis 2>/dev/null
  in_volume "cd /data; rm -rf appendonlydir; mv $replaced/* .; rmdir $replaced" </dev/null
  docker compose up -d --wait redis >/dev/null 2>&1
  fail "the backup did not load (${after:-Redis did not start}); what was there before is back"
fi
