# shellcheck shell=bash
# The scripts of a stack that runs, ended at a step: it must go on to count.
all+=" doctor backup restore rollout"

doctor_before() { [ -e "$work/doctor" ] || scripts/doctor.sh >"$work/doctor" 2>&1 || true; }
doctor_run() { as_a_leader scripts/doctor.sh; }
doctor_after() { :; }
doctor_again() {
  scripts/doctor.sh >"$work/said" 2>&1
  diff <(grep -v memory "$work/doctor") <(grep -v memory "$work/said")
}

start_stack() {
  [ -z "$up" ] || return 0
  up=yes
  docker compose up -d --wait --no-build >"$work/said" 2>&1 && within 10 curl -fsS -m 5 "$url/"
}
counts() { [ "$(total)" = "$1" ] || complain "the total is $(total), not $1"; }
in_volume() { docker compose exec -T redis sh -c "cd /data; $1"; }

backup_before() {
  start_stack || return
  [ -e "$work/backups/b.rdb" ] || scripts/backup.sh "$work/backups/b.rdb" >"$work/said" 2>&1
}
backup_run() { as_a_leader scripts/backup.sh "$work/backups/b.rdb"; }
backup_after() { scripts/backup.sh --check "$work/backups/b.rdb" >"$work/said" 2>&1; }
backup_again() {
  curl -fsS -m 5 "$url/" >/dev/null
  scripts/backup.sh "$work/backups/b.rdb" >"$work/said" 2>&1 && says "visits: $(total)," || return
  [ "$(ls "$work/backups")" = b.rdb ] || complain "left: $(ls "$work/backups")" || return
  # A Redis that looked at it ends by itself.
  ! docker ps -q --filter "volume=$work/backups/b.rdb.part" |
    xargs -r docker inspect --format '{{.Path}}' | grep -vx timeout
}

restore_before() {
  start_stack && [ -e "$work/b.rdb" ] ||
    scripts/backup.sh "$work/b.rdb" >"$work/said" 2>&1 || return
  held=$(scripts/backup.sh --check "$work/b.rdb" | grep -o '[0-9]*' | head -n 1)
  curl -fsS -m 5 "$url/" >/dev/null
  in_volume 'rm -rf replaced-*'
  there=$(total)
}
restore_run() { as_a_leader scripts/restore.sh "$work/b.rdb"; }
# By Ctrl-C all is as it was; killed, it is that or the backup, and Redis may have been stopped.
restore_after() { # SIGNAL
  if [ "$1" = INT ] && ! grep -q '^after: ' "$work/said"; then
    within 15 healthy && counts "$there"
  elif [ -n "$(docker compose ps -q --status running redis)" ]; then
    within 15 healthy && { counts "$there" || counts "$held"; }
  fi
}
restore_again() {
  local left
  scripts/restore.sh "$work/b.rdb" >"$work/said" 2>&1 && within 15 healthy &&
    counts "$held" || return
  # What was there is in one of them, whole; what was half done is gone.
  left=$(in_volume \
    'ls -d replaced-*/new replaced-*/whole 2>/dev/null; ls -d replaced-*/appendonlydir')
  [[ $left = replaced-*/appendonlydir* && $left != *new* && $left != *whole* ]] ||
    complain "left: $left"
}

replicas() { docker compose ps -q --status running app | wc -l; }
one_replica() {
  [ "$(docker compose ps -aq app | wc -l)" = 1 ] && [ "$(replicas)" = 1 ] &&
    curl -fsS -m 5 "$url/"
}
rollout_before() { start_stack; }
rollout_run() { as_a_leader scripts/rollout.sh --watch 1; }
rollout_after() { # SIGNAL
  curl -fsS -m 10 "$url/" >/dev/null || complain "a visitor is not answered" || return
  [ "$1" = KILL ] || within 5 one_replica
}
rollout_again() {
  scripts/rollout.sh --watch 1 >"$work/said" 2>&1 && within 5 one_replica || return
  [ -z "$(ls .data/rollout-* 2>/dev/null)" ] || complain "left: $(ls .data)"
}
