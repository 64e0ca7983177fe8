# shellcheck shell=bash
# Checks of backup and restore.

# The scripts, for the stack that is checked.
back_up() { # FILE
  scripts/backup.sh ${prod:+--prod} "$1" 2>&1
}
restore_from() { # FILE
  scripts/restore.sh ${prod:+--prod} "$1" 2>&1
}
# What was there before stays in Redis' volume, which nobody needs here.
remove_replaced() { # WHAT-RESTORE.SH-SAID
  inside redis rm -r "$(grep -o '/data/replaced-[0-9-]*' <<<"$1" | head -n 1)"
}
# counter:begin kept
saved() {
  local address
  for address in /api/visits /api/visits/smoke; do
    "${curl[@]}" -fsS -m 5 "$url$address" | grep -o '"visits":[0-9]*'
  done | paste -sd' '
}
write_named() { ask -X POST "$url/api/visits/smoke" >/dev/null; }
# counter:end
backup_goes_back() {
  local before said
  write_named
  before=$(saved)
  said=$(back_up "$scratch/backup.rdb") || complain "$said" || return
  write_named
  [ "$(saved)" != "$before" ] || complain "nothing was written after the backup" || return
  said=$(restore_from "$scratch/backup.rdb") || complain "$said" || return
  remove_replaced "$said" || return
  within 15 healthy || return
  [ "$(saved)" = "$before" ] || complain "$before before, $(saved) after: $said" || return
  # And Redis still knows at its next start.
  docker compose restart redis >/dev/null 2>&1 && within 15 healthy || return
  [ "$(saved)" = "$before" ] || complain "$before before, $(saved) after a restart" || return
}
backup_goes_anywhere() {
  local held said other stack
  other=$(setting name)-restored
  stack=(env "COMPOSE_PROJECT_NAME=$other" "APP_NETWORK=$other")
  # shellcheck disable=SC2064 # of this stack
  trap "${stack[*]} docker compose down -v >/dev/null 2>&1" RETURN
  held=$(back_up "$scratch/backup.rdb") || complain "$held" || return
  said=$("${stack[@]}" scripts/restore.sh ${prod:+--prod} "$scratch/backup.rdb" 2>&1) ||
    complain "$said" || return
  [ "$(sed -n 's/^after: //p' <<<"$said")" = "${held#*rdb: }" ] ||
    complain "$held, but: $said" || return
}
damaged_backup_refused() {
  local file since said size other=x
  since=$(inspect redis '{{.Id}} {{.State.StartedAt}}')
  said=$(back_up "$scratch/good.rdb") || complain "$said" || return
  size=$(wc -c <"$scratch/good.rdb")
  head -c $((size / 2)) "$scratch/good.rdb" >"$scratch/cut.rdb"
  cp "$scratch/good.rdb" "$scratch/flipped.rdb"
  # One byte becomes another one.
  tail -c +$((size / 2 + 1)) "$scratch/good.rdb" | head -c 1 | found '[^x]' || other=y
  printf %s $other | dd of="$scratch/flipped.rdb" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
  ! cmp -s "$scratch/good.rdb" "$scratch/flipped.rdb" || complain "no byte was changed" || return
  echo "no backup" >"$scratch/other.rdb"
  for file in cut flipped other none; do
    ! said=$(restore_from "$scratch/$file.rdb") ||
      complain "$file was taken: $said" || return
    grep -q "$file.rdb is \(damaged\|not there\)" <<<"$said" || complain "$file: $said" || return
  done
  [ "$(inspect redis '{{.Id}} {{.State.StartedAt}}')" = "$since" ] ||
    complain "Redis was touched" || return
}
# Whoever changes what Redis holds does it alone.
restores_alone() {
  local said other script result=0 file="$scratch/a: ü,.rdb"
  # A name that is not plain, in a shell that knows no umlauts.
  said=$(LC_ALL=C back_up "$file") || complain "$said" || return
  restore_from "$file" >"$scratch/said" &
  other=$!
  within 10 grep -q 'in the backup' "$scratch/said" || result=1
  for script in restore_from back_up; do
    ! said=$("$script" "$file") || complain "beside a restore: $said" || result=1
    grep -q 'restore.sh, process .* is at work here' <<<"$said" || complain "$said" || result=1
  done
  wait "$other" || complain "$(cat "$scratch/said")" || result=1
  remove_replaced "$(cat "$scratch/said")" || result=1
  within 15 healthy || result=1
  return $result
}

# ---- the counters are left as they were found ----

# counter:begin counts
# Of all, of each page; as the operator sees it.
counts() {
  redis_as operator get visit_count
  redis_as operator zrange tally:pages 0 -1 withscores
}
# counter:end
keep_counters() {
  kept=$(mktemp -d)
  counts >"$kept/counts"
  back_up "$kept/before.rdb" >"$kept/said" || {
    cat "$kept/said"
    echo "Bail out! The counters can't be saved, so they could not be put back"
    exit 1
  }
}
counters_are_put_back() {
  local said
  said=$(restore_from "$kept/before.rdb") || complain "$said" || return
  remove_replaced "$said" || return
  within 15 healthy || return
  diff "$kept/counts" <(counts)
}
put_counters_back() {
  trap - EXIT
  trap '' INT TERM HUP
  if counters_are_put_back >"$kept/said" 2>&1; then
    rm -rf "$kept"
  else
    cat "$kept/said"
    tap_say "The counters as they were are in $kept/before.rdb;" \
      "scripts/restore.sh ${prod:+--prod }puts them back"
  fi
}
