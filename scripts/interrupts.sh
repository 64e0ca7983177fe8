#!/usr/bin/env bash
# interrupts.sh [--list] [--short [SEED]] [--signal INT|KILL] [CASE…]: ends the scripts that change something at one step after the other, by
# Ctrl-C and by kill -9; one TAP line for each. Without CASE: all.
#
# A step is a line of the script as it runs. It is ended just before the step's command, and once more while that is under
# way. Each time what was there before must be there, and the next run must do what this one did not, or say what to do. It
# works in a copy of this tree, on a stack of its own, from the image that is there (docker compose build app). --short: one
# step and one signal of each case, by chance, for CI; it prints its seed, and takes one. Exit status 0 if all is well.
set -uo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }
cd "$(dirname "$0")/.." || exit 2

all="secrets_new secrets_again secrets_rotate secrets_retire secrets_force cert_new cert_force cert_names doctor backup restore rollout"
short="" seed=$RANDOM signals=(INT KILL) cases=""
while [ $# -gt 0 ]; do
  case $1 in
    --list) xargs -n 1 <<<"$all"; exit 0 ;;
    --short)
      short=yes
      [[ ! ${2:-} =~ ^[0-9]+$ ]] || { seed=$2; shift; }
      ;;
    --signal) signals=("${2:-}"); shift ;;
    *)
      [[ " $all " = *" $1 "* ]] || { echo "interrupts.sh: unknown argument $1; see --help and --list" >&2; exit 2; }
      cases="$cases $1"
      ;;
  esac
  shift
done
# shellcheck source=scripts/stack.sh
. scripts/stack.sh
image=$(setting services app image)
[ -z "$short" ] || { echo "# by chance: --short $seed"; RANDOM=$seed; }

# ---- a copy, and a stack of its own ----

work=$(mktemp -d) copy=$work/tree
mkdir "$copy" "$work/backups"
git ls-files -z --cached --others --exclude-standard | while IFS= read -rd '' path; do [ ! -e "$path" ] || printf '%s\0' "$path"; done |
  tar -c --null -T - | tar -C "$copy" -x || exit 2
cd "$copy" || exit 2
HTTP_PORT=18700
while (exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT") 2>/dev/null; do HTTP_PORT=$((HTTP_PORT + 1)); done
COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-tally}-interrupts APP_NETWORK=$COMPOSE_PROJECT_NAME TALLY_IMAGE=$image
export HTTP_PORT COMPOSE_PROJECT_NAME APP_NETWORK TALLY_IMAGE
unset TALLY_VERSION COMPOSE_FILE COMPOSE_ENV_FILES
url=http://127.0.0.1:$HTTP_PORT up=""
end() {
  trap '' INT TERM
  [ -z "$up" ] || docker compose down -v -t 2 --remove-orphans >/dev/null 2>&1
  for file in b.rdb backups/b.rdb backups/b.rdb.part; do
    docker ps -aq --filter "volume=$work/$file" | xargs -r docker rm -fv >/dev/null
  done
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM HUP

# What bash reads before the script, and that script alone: it says the steps, or ends it at one.
cat >"$work/steps" <<'END'
unset BASH_ENV
step() {
  [ -z "$STEPS_TO" ] || { echo "$1" >>"$STEPS_TO"; return 0; }
  [ "$1" = "$STEP" ] && [ ! -e "$STEP_DONE" ] || return 0
  : >"$STEP_DONE"
  # With all that it has started, as a terminal does it.
  if [ "$WHEN" = before ]; then kill -s "$SIGNAL" -- "-$$"; else setsid sh -c "sleep 0.2; kill -s $SIGNAL -- -$$" & fi
}
set -T
trap 'step "${BASH_SOURCE[0]##*/}:$LINENO"' DEBUG
END
# as_a_leader COMMAND…: in a session of its own, whose signals reach nobody else.
as_a_leader() { { env BASH_ENV="$work/steps" timeout 120 setsid -w "$@" </dev/null >"$work/said" 2>&1; } 2>/dev/null; }

# ---- the cases: before, run, after SIGNAL, again ----

fail() { echo "$*"; return 1; }
# The next run: it does it, or says how.
says() { grep -q -- "$1" "$work/said" || fail "it does not say $1 but: $(tail -n 3 "$work/said")"; }
secrets=conf/prod/secrets acl=conf/prod/redis/users.acl
names=$(cd conf/local/secrets && echo *-password)
hash_of() { tr -d '\n' <"$1" | sha256sum | cut -d' ' -f1; }
# Each is a password, and Redis would take it; every user of local is there, and none by the sample.
passwords_work() {
  local name
  for name in $names; do
    grep -qxE '[0-9a-f]{64}' "$secrets/$name" || fail "$name is no password" || return
    grep -q "#$(hash_of "$secrets/$name")" "$acl" || fail "Redis would not take $name" || return
    ! grep -q "$(hash_of "conf/local/secrets/$name")" "$acl" || fail "Redis would take the sample of $name" || return
  done
  [ "$(cut -d' ' -f1-3 "$acl")" = "$(cut -d' ' -f1-3 conf/local/redis/users.acl)" ] || fail "users are missing in $acl"
}
# And nothing is left of what was under way.
passwords_whole() {
  passwords_work && [ "$(grep -o '#[0-9a-f]*' "$acl" | wc -l)" = "$(wc -w <<<"$names")" ] || fail "there are more passwords: $(cat "$acl")" || return
  [ -z "$(find conf/prod \( -name '*.new' -o -name '*.next' -o -name '*.previous' \))" ] || fail "left: $(find conf/prod -name '*.*')" || return
  [ "$(stat -c %a "$secrets")" = 700 ] && [ -z "$(find "$secrets" -name '*-password' ! -perm 0444)" ] || fail "$(ls -la "$secrets")" || return
  [ -e "$secrets/made-by-scripts-secrets.sh.yaml" ] || fail "Compose would not find that they are there"
}
no_passwords() { rm -rf "$secrets" conf/prod/redis; }
passwords() { no_passwords; scripts/secrets.sh >"$work/said" 2>&1; rm -rf "$work/old"; cp -r "$secrets" "$work/old"; }
other_passwords() {
  local name
  for name in $names; do ! cmp -s "$secrets/$name" "$work/old/$name" || fail "$name is the old one" || return; done
}
old_passwords_work() {
  local name
  for name in $names; do grep -q "#$(hash_of "$work/old/$name")" "$acl" || fail "Redis would not take the old $name" || return; done
}

secrets_new_before() { no_passwords; }
secrets_new_run() { as_a_leader scripts/secrets.sh; }
secrets_new_after() { :; }
secrets_new_again() { scripts/secrets.sh >"$work/said" 2>&1 && passwords_whole; }

secrets_again_before() { passwords; }
secrets_again_run() { as_a_leader scripts/secrets.sh; }
secrets_again_after() { passwords_work && diff -r "$work/old" "$secrets"; }
secrets_again_again() { scripts/secrets.sh >"$work/said" 2>&1 && passwords_whole && diff -r "$work/old" "$secrets"; }

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
secrets_retire_again() { scripts/secrets.sh --retire >"$work/said" 2>&1 && passwords_whole && other_passwords; }

certs=conf/prod/certs names_file=conf/prod/nginx/http/names-made-by-scripts-cert.sh.conf
# Key and certificate belong together, the names are the certificate's, and Compose finds that all is there.
certificate_works() { # HOST
  local live=$certs/live
  [ "$(openssl x509 -in $live/certificate.pem -noout -pubkey)" = "$(openssl pkey -in $live/key.pem -pubout)" ] ||
    fail "the key is not that of the certificate" || return
  openssl x509 -in $live/certificate.pem -noout -ext subjectAltName | grep -q "DNS:$1" || fail "the certificate is not for $1" || return
  # shellcheck disable=SC2016 # a variable of Nginx'
  grep -qF "  $1 \$host;" $names_file && grep -qx '}' $names_file || fail "the names are: $(cat $names_file)" || return
  [ -e $certs/made-by-scripts-cert.sh.yaml ] && [ -e $certs/names-made-by-scripts-cert.sh.yaml ] || fail "Compose would not find it" || return
  [ -z "$(find conf/prod -name '*.new')" ] || fail "left: $(find conf/prod -name '*.new')"
}
no_certificate() { rm -rf $certs $names_file; }
certificate() { no_certificate; scripts/cert.sh "$1" >"$work/said" 2>&1; }

cert_new_before() { no_certificate; }
cert_new_run() { as_a_leader scripts/cert.sh a.example; }
cert_new_after() { :; }
cert_new_again() { { scripts/cert.sh a.example >"$work/said" 2>&1 || says '--force'; } && certificate_works a.example; }

cert_force_before() { certificate a.example; }
cert_force_run() { as_a_leader scripts/cert.sh --force a.example b.example; }
cert_force_after() { :; }
# As Compose would be started next, and then as it was meant.
cert_force_again() {
  { scripts/cert.sh >"$work/said" 2>&1 || says '--force'; } && certificate_works a.example &&
    scripts/cert.sh --force a.example b.example >"$work/said" 2>&1 && certificate_works b.example
}

cert_names_before() {
  certificate a.example
  cp $names_file "$work/names"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=c.example \
    -addext subjectAltName=DNS:c.example -keyout $certs/live/key.pem -out $certs/live/certificate.pem 2>/dev/null
}
cert_names_run() { as_a_leader scripts/cert.sh --names; }
cert_names_after() { cmp -s "$work/names" $names_file || certificate_works c.example; }
cert_names_again() { scripts/cert.sh --names >"$work/said" 2>&1 && certificate_works c.example; }

containers() { docker ps -aq --no-trunc | sort; }
doctor_before() { [ -e "$work/doctor" ] || scripts/doctor.sh >"$work/doctor" 2>&1 || true; }
doctor_run() { as_a_leader scripts/doctor.sh; }
doctor_after() { :; }
doctor_again() {
  scripts/doctor.sh >"$work/said" 2>&1
  diff <(grep -v memory "$work/doctor") <(grep -v memory "$work/said")
}

# ---- those of a stack that runs ----

visits() { curl -fsS -m 10 "$url/api/visits" | grep -o '[0-9]*'; }
within() { # SECONDS COMMAND…
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || { echo "not in time: $*"; return 1; }; sleep 0.2; done
}
start_stack() {
  [ -z "$up" ] || return 0
  up=yes
  docker compose up -d --wait --no-build >"$work/said" 2>&1 && within 10 curl -fsS -m 5 "$url/"
}
counts() { [ "$(visits)" = "$1" ] || fail "the total is $(visits), not $1"; }
in_volume() { docker compose exec -T redis sh -c "cd /data; $1"; }

backup_before() { start_stack && { [ -e "$work/backups/b.rdb" ] || scripts/backup.sh "$work/backups/b.rdb" >"$work/said" 2>&1; }; }
backup_run() { as_a_leader scripts/backup.sh "$work/backups/b.rdb"; }
backup_after() { scripts/backup.sh --check "$work/backups/b.rdb" >"$work/said" 2>&1; }
backup_again() {
  curl -fsS -m 5 "$url/" >/dev/null
  scripts/backup.sh "$work/backups/b.rdb" >"$work/said" 2>&1 && says "visits: $(visits)," || return
  [ "$(ls "$work/backups")" = b.rdb ] || fail "left: $(ls "$work/backups")" || return
  # A Redis that looked at it ends by itself.
  ! docker ps -q --filter "volume=$work/backups/b.rdb.part" | xargs -r docker inspect --format '{{.Path}}' | grep -vx timeout
}

restore_before() {
  start_stack && [ -e "$work/b.rdb" ] || scripts/backup.sh "$work/b.rdb" >"$work/said" 2>&1 || return
  held=$(scripts/backup.sh --check "$work/b.rdb" | grep -o '[0-9]*' | head -n 1)
  curl -fsS -m 5 "$url/" >/dev/null
  in_volume 'rm -rf replaced-*'
  there=$(visits)
}
restore_run() { as_a_leader scripts/restore.sh "$work/b.rdb"; }
# By Ctrl-C all is as it was; killed, it is that or the backup, and Redis may have been stopped.
restore_after() { # SIGNAL
  if [ "$1" = INT ] && ! grep -q '^after: ' "$work/said"; then
    within 15 curl -fsS -m 5 "$url/health" && counts "$there"
  elif [ -n "$(docker compose ps -q --status running redis)" ]; then
    within 15 curl -fsS -m 5 "$url/health" && { counts "$there" || counts "$held"; }
  fi
}
restore_again() {
  local left
  scripts/restore.sh "$work/b.rdb" >"$work/said" 2>&1 && within 15 curl -fsS -m 5 "$url/health" && counts "$held" || return
  # What was there is in one of them, whole; what was half done is gone.
  left=$(in_volume 'ls -d replaced-*/new replaced-*/whole 2>/dev/null; ls -d replaced-*/appendonlydir')
  [[ $left = replaced-*/appendonlydir* && $left != *new* && $left != *whole* ]] || fail "left: $left"
}

replicas() { docker compose ps -q --status running app | wc -l; }
one_replica() { [ "$(docker compose ps -aq app | wc -l)" = 1 ] && [ "$(replicas)" = 1 ] && curl -fsS -m 5 "$url/"; }
rollout_before() { start_stack; }
rollout_run() { as_a_leader scripts/rollout.sh --watch 1; }
rollout_after() { # SIGNAL
  curl -fsS -m 10 "$url/" >/dev/null || fail "a visitor is not answered" || return
  [ "$1" = KILL ] || within 5 one_replica
}
rollout_again() {
  scripts/rollout.sh --watch 1 >"$work/said" 2>&1 && within 5 one_replica || return
  [ -z "$(ls .data/rollout-* 2>/dev/null)" ] || fail "left: $(ls .data)"
}

# ---- one after the other ----

number=0 failed=0
tap() { # ok|'not ok' WHAT [WHY]
  number=$((number + 1))
  echo "$1 $number - $2"
  [ "$1" = ok ] || { failed=$((failed + 1)); tail -n 12 <<<"${3:-}" | cut -c1-300 | sed 's/^/#   /'; }
}
# The steps of a run to its end, in their order, into $steps.
steps_of() { # CASE
  rm -f "$work/recorded"
  "${1}_before" >"$work/why" 2>&1 && STEPS_TO=$work/recorded "${1}_run" || [ "$1" = doctor ] || return
  mapfile -t steps < <(awk '!seen[$0]++' "$work/recorded")
  [ ${#steps[@]} -gt 5 ]
}
interrupt() { # CASE SIGNAL before|during STEP
  local why what="$1, SIG$2 $3 $4"
  rm -f "$work/done"
  "${1}_before" >"$work/why" 2>&1 || { tap "not ok" "$what" "can't begin: $(cat "$work/why" "$work/said")"; return; }
  STEPS_TO="" STEP=$4 WHEN=$3 SIGNAL=$2 STEP_DONE=$work/done "${1}_run"
  # A command in the background of its own, as a container that starts.
  sleep 0.3
  if [ ! -e "$work/done" ]; then
    tap ok "$what # SKIP this time it did not come there"
  elif ! why=$("${1}_after" "$2" 2>&1); then
    tap "not ok" "$what: what was there is not there" "$why"$'\n'"$(cat "$work/said")"
    "${1}_again" >/dev/null 2>&1
  elif ! why=$("${1}_again" 2>&1); then
    tap "not ok" "$what: the next run" "$why"$'\n'"$(cat "$work/said")"
  else
    tap ok "$what"
  fi
}
for case in ${cases:-$all}; do
  if ! steps_of "$case"; then tap "not ok" "$case without an interruption" "$(cat "$work/why" "$work/said")"; continue; fi
  chosen=("${signals[@]}") whens=(before during)
  if [ -n "$short" ]; then
    steps=("${steps[RANDOM % ${#steps[@]}]}") chosen=("${signals[RANDOM % ${#signals[@]}]}") whens=("${whens[RANDOM % 2]}")
  fi
  for signal in "${chosen[@]}"; do
    for when in "${whens[@]}"; do
      for step in "${steps[@]}"; do interrupt "$case" "$signal" "$when" "$step"; done
    done
  done
done
echo "1..$number"
[ "$failed" = 0 ] || { echo "# $failed of $number"; exit 1; }
