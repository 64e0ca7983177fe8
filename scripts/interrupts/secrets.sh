# shellcheck shell=bash
# secrets.sh, ended at a step: Redis must always take the passwords that are in use.
all+=" secrets_new secrets_again secrets_rotate secrets_retire secrets_force"

secrets=conf/prod/secrets acl=conf/prod/redis/users.acl
names=$(cd conf/local/secrets && echo *-password)
# Each is a password, and Redis would take it; every user of local is there, and none by the sample.
passwords_work() {
  local name
  for name in $names; do
    grep -qxE '[0-9a-f]{64}' "$secrets/$name" || complain "$name is no password" || return
    grep -q "#$(hash_of "$secrets/$name")" "$acl" || complain "Redis would not take $name" || return
    ! grep -q "$(hash_of "conf/local/secrets/$name")" "$acl" ||
      complain "Redis would take the sample of $name" || return
  done
  [ "$(cut -d' ' -f1-3 "$acl")" = "$(cut -d' ' -f1-3 conf/local/redis/users.acl)" ] ||
    complain "users are missing in $acl"
}
# And nothing is left of what was under way.
passwords_whole() {
  passwords_work && [ "$(grep -o '#[0-9a-f]*' "$acl" | wc -l)" = "$(wc -w <<<"$names")" ] ||
    complain "there are more passwords: $(cat "$acl")" || return
  [ -z "$(find conf/prod \( -name '*.new' -o -name '*.next' -o -name '*.previous' \))" ] ||
    complain "left: $(find conf/prod -name '*.*')" || return
  [ "$(stat -c %a "$secrets")" = 700 ] &&
    [ -z "$(find "$secrets" -name '*-password' ! -perm 0444)" ] ||
    complain "$(ls -la "$secrets")" || return
  [ -e "$secrets/made-by-scripts-secrets.sh.yaml" ] ||
    complain "Compose would not find that they are there"
}
no_passwords() { rm -rf "$secrets" conf/prod/redis; }
passwords() {
  no_passwords
  scripts/secrets.sh >"$work/said" 2>&1
  rm -rf "$work/old"
  cp -r "$secrets" "$work/old"
}
other_passwords() {
  local name
  for name in $names; do
    ! cmp -s "$secrets/$name" "$work/old/$name" || complain "$name is the old one" || return
  done
}
old_passwords_work() {
  local name
  for name in $names; do
    grep -q "#$(hash_of "$work/old/$name")" "$acl" ||
      complain "Redis would not take the old $name" || return
  done
}

secrets_new_before() { no_passwords; }
secrets_new_run() { as_a_leader scripts/secrets.sh; }
secrets_new_after() { :; }
secrets_new_again() { scripts/secrets.sh >"$work/said" 2>&1 && passwords_whole; }

secrets_again_before() { passwords; }
secrets_again_run() { as_a_leader scripts/secrets.sh; }
secrets_again_after() { passwords_work && diff -r "$work/old" "$secrets"; }
secrets_again_again() {
  scripts/secrets.sh >"$work/said" 2>&1 && passwords_whole &&
    diff -r "$work/old" "$secrets"
}

secrets_force_before() { passwords; }
secrets_force_run() { as_a_leader scripts/secrets.sh --force; }
secrets_force_after() { :; }
secrets_force_again() { scripts/secrets.sh >"$work/said" 2>&1 && passwords_whole; }

secrets_rotate_before() { passwords; }
secrets_rotate_run() { as_a_leader scripts/secrets.sh --rotate; }
# The replicas have the old ones until the rollout.
secrets_rotate_after() { passwords_work && old_passwords_work; }
secrets_rotate_again() {
  # Where it was done, it says that the next is --retire.
  scripts/secrets.sh --rotate >"$work/said" 2>&1 || says '--retire' || return
  passwords_work && old_passwords_work && other_passwords || return
  scripts/secrets.sh --retire >"$work/said" 2>&1 && passwords_whole && other_passwords
}

secrets_retire_before() { passwords && scripts/secrets.sh --rotate >"$work/said" 2>&1; }
secrets_retire_run() { as_a_leader scripts/secrets.sh --retire; }
secrets_retire_after() { passwords_work && other_passwords; }
secrets_retire_again() {
  scripts/secrets.sh --retire >"$work/said" 2>&1 && passwords_whole &&
    other_passwords
}
