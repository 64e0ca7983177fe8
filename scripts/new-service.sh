#!/usr/bin/env bash
# new-service.sh NAME FOLDER: makes a service of your own in FOLDER: this stack without its counter.
#
# What any service needs is taken from this tree as it is now, under the other name: the frame in
# Java, its tests, the image, the environments, the secrets, the scripts and their claims. In the
# place of the counter comes a small guestbook over Redis, for you to replace. Where git is here, it
# is a repository with one commit. src/docs/start-your-own.md says what to change next.
#
# NAME has 2 to 30 lower-case letters, digits and hyphens, and begins with a letter. FOLDER must not
# be there, or be empty. If anything goes wrong, nothing is left of it.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

# Letters are those of ASCII, whatever language this shell speaks.
export LC_ALL=C

# ---- the name, in each form that a file needs ----

[ $# = 2 ] ||
  misuse "it needs a name and a folder, as in: scripts/new-service.sh guestbook ../guestbook"
name=$1
target=$2
[[ $name =~ ^[a-z][a-z0-9-]{0,28}[a-z0-9]$ && $name != *--* ]] || misuse \
  "'$name' is no name: 2 to 30 lower-case letters, digits and single hyphens, from a letter on"
[[ ! $name =~ tally|visit|badge ]] || misuse \
  "'$name' has a word of the counter in it, so nobody could check that nothing of it is left"
# What Java or the stack has already as a word of its own.
taken="abstract assert boolean break byte case catch char class const continue default do double
  else enum extends final finally float for goto if implements import instanceof int interface long
  native new package private protected public return short static strictfp super switch
  synchronized this throw throws transient try void volatile while true false null var record
  sealed yield java javax io org com app nginx redis"
for word in $taken; do
  [ "$name" != "$word" ] || misuse "'$name' is a word of Java or of the stack already; take another"
done
# a-b: package a_b, variables A_B_…, classes AB…, in a sentence A-b.
identifier=${name//-/_}
variable=$(tr a-z- A-Z_ <<<"$name")
title=${name^}
class=
for word in ${name//-/ }; do
  class+=${word^}
done

# ---- where to ----

mkdir -p "$(dirname "$target")" || fail "the folder $(dirname "$target") can't be made"
parent=$(cd "$(dirname "$target")" && pwd)
target=$parent/$(basename "$target")
if [ -e "$target" ] && { [ ! -d "$target" ] || [ -n "$(ls -A "$target")" ]; }; then
  fail "$target is there already, and not empty"
fi
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
[[ $target/ != "$here"/* ]] || fail "$target is inside of this tree; take a folder beside it"
made=$(mktemp -d "$parent/.new-service-XXXXXX") || fail "$parent can't be written"
trap 'rm -rf "$made"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- the files: the tree's, without the counter's own, and those of the guestbook ----

all_files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard
  else
    find . -type f -not -path './target/*' -not -path './.data/*' -not -path './.git/*' \
      -not -path './conf/prod/secrets/*' -not -path './conf/prod/certs/*' \
      -not -path './conf/prod/acme/*' -not -path './conf/prod/redis/*' \
      -not -name 'names-made-by-*' -not -path './.env' | sed 's|^\./||'
  fi
}
mapfile -t left_out < <(grep -v -e '^#' -e '^$' src/service/left-out)
is_left_out() { # PATH
  local pattern
  for pattern in "${left_out[@]}"; do
    # shellcheck disable=SC2053 # a pattern
    [[ $1 != $pattern ]] || return 0
  done
  return 1
}
mkdir "$made/tree"
while IFS= read -r path; do
  if [ -f "$path" ] && ! is_left_out "$path"; then
    printf '%s\0' "$path"
  fi
done < <(all_files) | tar -c --null -T - | tar -x -C "$made/tree"
# What is between the marks is the counter's. Where a mark has a name, a part comes in its place.
mapfile -t parted < <(cd "$made/tree" && grep -rl counter:begin .)
for path in "${parted[@]}"; do
  awk -v parts="src/service/parts/$path" '
    /counter:begin/ {
      skipped = 1
      part = parts "." ($NF == "-->" ? $(NF - 1) : $NF)
      while ((getline line < part) > 0) print line
      next
    }
    /counter:end/ { skipped = 0; next }
    skipped { next }
    /^$/ && blank { next }
    { blank = /^$/; print }' "$made/tree/$path" >"$made/parted"
  cat "$made/parted" >"$made/tree/$path"
done
cp -pR src/service/tree/. "$made/tree"
cd "$made/tree"

# ---- the name, in each file and in the files' own names ----

cat >"$made/rename" <<END
s/TALLY/$variable/g
s/([A-Za-z])Tally/\1$class/g
s/Tally([A-Z])/$class\1/g
s/Tally/$title/g
s/(java\/|[^a-z]log\.)tally/\1$identifier/g
s/tally(_|\.(Main|dev|load|web|frame|entries|support|\*))/$identifier\1/g
s/(^|[^a-z-])app-network/\1$name-app-network/g
s/tally([-:}]|\.(jar|aot))/$name\1/g
s/visitor/client/g
s/ \/badge\/\* \|//
/origins\.conf|COUNTING_SITES/d
s/visit_count/{$name}:number/g
s/keep([-_])visits/keep\1writes/g
s/ \(src\/docs\/[a-z-]*\.md\)//g
s/([Aa]) self-hosted visit counter/\1 service of your own/g
END
find . -name '*.java' -exec sed -E -i.bak -f "$made/rename" -e "s/tally/$identifier/g" {} +
find . -type f -not -name '*.java' -not -name '*.bak' \
  -exec sed -E -i.bak -f "$made/rename" -e "s/tally/$name/g" {} +
find . -name '*.bak' -delete
for folder in src/*/java; do
  mv "$folder/tally" "$folder/$identifier"
done
while IFS= read -r file; do
  mv "$file" "${file//Tally/$class}"
done < <(find . -name '*Tally*')

# Redis knows the sample passwords, which have the name in them, by their hashes.
hash_of() {
  tr -d '\n' | if command -v sha256sum >/dev/null; then
    sha256sum
  else
    shasum -a 256
  fi | cut -d' ' -f1
}
for secret in conf/local/secrets/*-password; do
  before=$(hash_of <"$here/$secret")
  after=$(hash_of <"$secret")
  sed -i.bak "s/$before/$after/" conf/local/redis/users.acl
done
rm conf/local/redis/users.acl.bak

# ---- is it whole? ----

left=$({
  grep -rniE 'tally|visit|badge|counter:(begin|end)' . || true
  find . | grep -iE 'tally|visit|badge' || true
})
[ -z "$left" ] || fail "something of the counter would be left, so this tree must be mended first:
$(head -n 20 <<<"$left")"

# Another name makes lines longer or shorter, and orders them in another way.
formatted=
if command -v mvn >/dev/null && java=$(scripts/java.sh 2>/dev/null); then
  home=$(dirname "$(dirname "$(readlink -f "$java")")")
  if JAVA_HOME=$home mvn -B -q spotless:apply >"$made/said" 2>&1; then
    formatted=yes
  else
    tail -n 5 "$made/said" >&2
  fi
  rm -rf target
fi

if command -v git >/dev/null; then
  who=()
  if [ -z "$(git config user.email || true)" ]; then
    who=(-c "user.name=$name" -c "user.email=$name@localhost")
  fi
  git init -q
  git add -A
  git "${who[@]}" -c commit.gpgSign=false commit -q -m "A guestbook to begin with"
fi

[ ! -d "$target" ] || rmdir "$target"
mv "$made/tree" "$target"
[ -n "$formatted" ] || echo "No formatter ran: run mvn spotless:apply there, on a JDK 25." >&2
echo "$title is in $target. Its README.md says how to start it."
