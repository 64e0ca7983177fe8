#!/usr/bin/env bash
# secrets.sh [--rotate | --retire | --force]: makes and changes the passwords of the production
# stack.
#
# Alone it makes those that are missing in conf/prod/secrets (a folder that you alone can open; the
# containers read the files in it through their mounts), and conf/prod/redis/users.acl: the rules of
# conf/local with the hashes of these passwords. Neither belongs into version control, nor gets
# there (.gitignore). Run it again after an upgrade: it keeps the passwords and takes over new
# rules.
#
# Other passwords without downtime: --rotate makes them, and Redis takes old and new;
# scripts/rollout.sh --prod hands the new one to the replicas; --retire ends the old ones.
# --force replaces all at once; then docker compose --env-file conf/prod/.env up -d --force-recreate
# puts them in force. Whatever was interrupted, also by kill -9, the same command again goes on with
# it.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

case ${1:-} in
  "" | --rotate | --retire | --force) todo=${1:-} ;;
  *) misuse "unknown argument $1; see --help" ;;
esac
cd "$(dirname "$0")/.."
sample=conf/local/secrets secrets=conf/prod/secrets acl=conf/prod/redis/users.acl
names=$(cd "$sample" && echo *-password)
. scripts/lib/lock.sh
. scripts/lib/passwords.sh
lock secrets

new_password() {
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'
}
# In place: a container that runs has this very file mounted.
write() { # FILE TEXT
  chmod 0644 "$1"
  printf '%s\n' "$2" >"$1"
  chmod 0444 "$1"
}
# A new file, whole or not at all.
put() { # FILE TEXT
  rm -f "$1.new"
  printf '%s\n' "$2" >"$1.new"
  chmod 0444 "$1.new"
  mv -f "$1.new" "$1"
}
there() { # next|previous: passwords of that kind
  find "$secrets" -name "*-password.$1"
}
# The users with every password that counts: the one in use, the next, the previous. As one step,
# since Redis must never find half a list.
write_acl() {
  local users name hashes file
  users=$(cat conf/local/redis/users.acl)
  for name in $names; do
    hashes=""
    for file in "$secrets/$name" "$secrets/$name.next" "$secrets/$name.previous"; do
      [ ! -s "$file" ] || [[ $hashes = *"#$(hash_of "$file")"* ]] ||
        hashes="$hashes #$(hash_of "$file")"
    done
    users=${users//" #$(hash_of "$sample/$name")"/$hashes}
  done
  put "$acl" "$users"
}
# Has the Redis that runs, if one does, read its users anew. Connections that are there stay.
load_acl() {
  local compose=(docker compose --env-file conf/prod/.env) said
  # Where a file of the stack is still missing, what runs under its name is not from here.
  "${compose[@]}" config -q 2>/dev/null || return 0
  [ -n "$("${compose[@]}" ps -q --status running redis 2>/dev/null)" ] || return 0
  said=$("${compose[@]}" exec -T -e REDISCLI_AUTH="$(cat "$secrets/redis-operator-password")" \
    redis redis-cli -e --user operator acl load 2>&1) ||
    fail "Redis did not take $acl ($said);" \
      "docker compose --env-file conf/prod/.env up -d --force-recreate puts it in force"
  echo "Redis has read $acl."
}

case $todo in
  --rotate)
    [ -e "$secrets/redis-password" ] ||
      fail "there are no passwords yet; scripts/secrets.sh makes them"
    # The next one is there until it is in use: so this goes on where it was interrupted.
    if [ -z "$(there previous)" ]; then
      for name in $names; do
        [ -e "$secrets/$name.next" ] || put "$secrets/$name.next" "$(new_password)"
      done
    elif [ -z "$(there next)" ]; then
      fail "a rotation is under way; scripts/secrets.sh --retire ends it"
    fi
    write_acl
    load_acl
    # Only now: whoever reads a new password can use it.
    for name in $names; do
      [ -e "$secrets/$name.next" ] || continue
      [ -e "$secrets/$name.previous" ] || put "$secrets/$name.previous" "$(cat "$secrets/$name")"
      write "$secrets/$name" "$(cat "$secrets/$name.next")"
      rm -f "$secrets/$name.next"
    done
    echo "Made new passwords in $secrets."
    echo "Redis takes the old ones as well until scripts/secrets.sh --retire."
    echo "Next: scripts/rollout.sh --prod, so that the replicas use the new one."
    ;;
  --retire)
    [ -z "$(there next)" ] ||
      fail "a rotation was interrupted; scripts/secrets.sh --rotate goes on with it"
    for name in $names; do
      rm -f "$secrets/$name.previous"
    done
    write_acl
    load_acl
    echo "Only the passwords in $secrets are taken from now on."
    ;;
  *)
    # A Redis that runs then is of another clone, and has its passwords.
    first=""
    [ -s "$secrets/redis-password" ] || first=yes
    [ -z "$todo" ] || rm -rf "$secrets"
    mkdir -p "$secrets" conf/prod/redis
    chmod 0700 "$secrets"
    for name in $names; do
      [ -s "$secrets/$name" ] || put "$secrets/$name" "$(new_password)"
    done
    write_acl
    # Before Compose is asked for anything: it needs this file.
    echo "# Made by scripts/secrets.sh: the passwords are there.
services: {}" >"$secrets/made-by-scripts-secrets.sh.yaml"
    [ -n "$todo" ] || [ -n "$first" ] || load_acl
    echo "The passwords are in $secrets, and their hashes in $acl."
    ;;
esac
