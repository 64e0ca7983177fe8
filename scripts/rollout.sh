#!/usr/bin/env bash
# rollout.sh [--prod]: replaces every replica of the app by one of the image and configuration as they are now, without a
# request that fails.
#
# Starts as many new replicas as there are old ones (so it needs their memory twice for a moment), waits until all are
# healthy and Nginx knows them, then stops the old ones, one after the other, each of which finishes what it has. If a new
# one does not become healthy within a minute, the new ones go, the old ones stay as they were, and the exit status is 1.
# --prod: the stack of conf/prod/.env. To roll out another version: TALLY_VERSION=1.2 scripts/rollout.sh
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

case ${1:-} in
  --prod) export COMPOSE_ENV_FILES=conf/prod/.env ;;
  "") ;;
  *) echo "rollout.sh: unknown argument $1; see --help" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."

# Nginx asks for the replicas' addresses every two seconds.
known=3 deadline=60
mapfile -t old < <(docker compose ps -q app)
count=${#old[@]}
[ "$count" -gt 0 ] || { echo "rollout.sh: no replica runs; docker compose up -d starts the stack" >&2; exit 1; }

new=()
find_new() { mapfile -t new < <(docker compose ps -aq app | grep -vxF "$(printf '%s\n' "${old[@]}")"); }
give_up() {
  find_new
  echo "rollout.sh: $1; the $count old replicas stay" >&2
  for replica in "${new[@]}"; do docker logs --tail 5 "$replica" >&2; done
  [ ${#new[@]} = 0 ] || docker rm -f "${new[@]}" >/dev/null
  exit 1
}

echo "Starting $count new beside $count old"
docker compose up -d --no-deps --no-recreate --scale "app=$((2 * count))" app >/dev/null 2>&1 || give_up "new replicas can't be started"
find_new
for replica in "${new[@]}"; do
  end=$((SECONDS + deadline))
  until state=$(docker inspect --format '{{.State.Health.Status}} {{.State.Status}} {{.RestartCount}}' "$replica") && [ "$state" = "healthy running 0" ]; do
    [[ $state = *" running 0" ]] || give_up "a new replica can't run ($state)"
    [ "$SECONDS" -lt "$end" ] || give_up "a new replica is not healthy after $deadline s ($state)"
    sleep 0.5
  done
done
echo "The new ones are healthy; stopping the old ones"
for replica in "${old[@]}"; do
  # Also between them: each that is gone and still known costs a request a third of a second.
  sleep "$known"
  docker stop "$replica" >/dev/null
  docker rm "$replica" >/dev/null
done
echo "Done: $count replicas, all new"
