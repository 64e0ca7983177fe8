#!/usr/bin/env bash
# secrets.sh [--force]: makes the passwords of the production stack, and Redis' users with their hashes.
#
# Writes conf/prod/secrets (a folder that you alone can open; the containers read the files in it through their mounts)
# and conf/prod/redis/users.acl, with the rules of conf/local and the hashes of the new passwords. Neither belongs into
# version control, nor gets there (.gitignore). What exists is kept; --force replaces it, and then
# docker compose --env-file conf/prod/.env up -d --force-recreate puts it in force.
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

force=""
case ${1:-} in
  --force) force=yes ;;
  "") ;;
  *) echo "secrets.sh: unknown argument $1; see --help" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
secrets=conf/prod/secrets acl=conf/prod/redis/users.acl
if [ -e "$secrets/redis-password" ] && [ -z "$force" ]; then
  echo "secrets.sh: $secrets has passwords already; --force replaces them" >&2
  exit 1
fi

hash_of() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }
rules=$(cat conf/local/redis/users.acl)
mkdir -p "$secrets" conf/prod/redis
chmod 0700 "$secrets"
for name in redis-password redis-operator-password; do
  password=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
  rm -f "$secrets/$name"
  printf '%s\n' "$password" >"$secrets/$name"
  chmod 0444 "$secrets/$name"
  sample=$(tr -d '\n' <"conf/local/secrets/$name" | hash_of)
  rules=${rules//$sample/$(printf %s "$password" | hash_of)}
done
rm -f "$acl"
printf '%s\n' "$rules" >"$acl"
chmod 0444 "$acl"
echo "# Made by scripts/secrets.sh: the passwords are there.
services: {}" >"$secrets/made-by-scripts-secrets.sh.yaml"
echo "Made the passwords in $secrets, and $acl with their hashes."
