# shellcheck shell=bash
# Checks of backup and restore.

saved() { "${curl[@]}" -fsS -m 5 "$url/api/visits$1" | grep -o '"visits":[0-9]*'; }
backup_goes_back() {
  local folder before said
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf $folder" RETURN
  ask -X POST "$url/api/visits/smoke" >/dev/null
  before="$(saved "") $(saved /smoke)"
  said=$(scripts/backup.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$said"; return 1; }
  ask -X POST "$url/api/visits/smoke" >/dev/null
  [ "$(saved "") $(saved /smoke)" != "$before" ] || { echo "nothing was counted after the backup"; return 1; }
  said=$(scripts/restore.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$said"; return 1; }
  inside redis rm -r "$(grep -o '/data/replaced-[0-9-]*' <<<"$said" | head -n 1)" || return
  within 15 "${curl[@]}" -fsS "$url/health" || return
  [ "$(saved "") $(saved /smoke)" = "$before" ] || { echo "$before before, $(saved "") $(saved /smoke) after: $said"; return 1; }
  # And Redis still knows at its next start.
  docker compose restart redis >/dev/null 2>&1 && within 15 "${curl[@]}" -fsS "$url/health" || return
  [ "$(saved "") $(saved /smoke)" = "$before" ] || { echo "$before before, $(saved "") $(saved /smoke) after a restart"; return 1; }
}
backup_goes_anywhere() {
  local folder held said other stack
  other=$(inspect redis '{{index .Config.Labels "com.docker.compose.project"}}')-restored
  stack=(env "COMPOSE_PROJECT_NAME=$other" "APP_NETWORK=$other")
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf $folder; ${stack[*]} docker compose down -v >/dev/null 2>&1" RETURN
  held=$(scripts/backup.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$held"; return 1; }
  said=$("${stack[@]}" scripts/restore.sh ${prod:+--prod} "$folder/backup.rdb" 2>&1) || { echo "$said"; return 1; }
  [ "$(sed -n 's/^after: //p' <<<"$said")" = "${held#*rdb: }" ] || { echo "$held, but: $said"; return 1; }
}
damaged_backup_refused() {
  local folder file since said size
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf $folder" RETURN
  since=$(inspect redis '{{.Id}} {{.State.StartedAt}}')
  said=$(scripts/backup.sh ${prod:+--prod} "$folder/good.rdb" 2>&1) || { echo "$said"; return 1; }
  size=$(wc -c <"$folder/good.rdb")
  head -c $((size / 2)) "$folder/good.rdb" >"$folder/cut.rdb"
  cp "$folder/good.rdb" "$folder/flipped.rdb"
  # One byte becomes another one.
  if [ "$(dd if="$folder/good.rdb" bs=1 skip=$((size / 2)) count=1 2>/dev/null | tr 'x' 'y')" = y ]; then said=z; else said=x; fi
  printf %s $said | dd of="$folder/flipped.rdb" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
  echo "no backup" >"$folder/other.rdb"
  for file in cut flipped other none; do
    ! said=$(scripts/restore.sh ${prod:+--prod} "$folder/$file.rdb" 2>&1) || { echo "$file was taken: $said"; return 1; }
    grep -q "$file.rdb is \(damaged\|not there\)" <<<"$said" || { echo "$file: $said"; return 1; }
  done
  [ "$(inspect redis '{{.Id}} {{.State.StartedAt}}')" = "$since" ] || { echo "Redis was touched"; return 1; }
}
# Whoever changes what Redis holds does it alone.
restores_alone() {
  local folder said other result=0
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # of this folder
  trap "rm -rf '$folder'" RETURN
  # A name that is not plain, in a shell that knows no umlauts.
  said=$(LC_ALL=C scripts/backup.sh ${prod:+--prod} "$folder/a: ü,.rdb" 2>&1) || { echo "$said"; return 1; }
  scripts/restore.sh ${prod:+--prod} "$folder/a: ü,.rdb" >"$folder/said" 2>&1 & other=$!
  within 10 grep -q 'in the backup' "$folder/said" || result=1
  for said in "restore.sh" "backup.sh"; do
    said=$("scripts/$said" ${prod:+--prod} "$folder/a: ü,.rdb" 2>&1) && { echo "beside a restore: $said"; result=1; }
    grep -q 'restore.sh, process .* is at work here' <<<"$said" || { echo "$said"; result=1; }
  done
  wait "$other" || { cat "$folder/said"; result=1; }
  inside redis rm -r "$(grep -o '/data/replaced-[0-9-]*' "$folder/said" | head -n 1)" || result=1
  within 15 "${curl[@]}" -fsS "$url/health" || result=1
  return $result
}

# ---- the counters are left as they were found ----

# Of all, of each page; as the operator sees it.
counts() { redis_as operator get visit_count; redis_as operator zrange tally:pages 0 -1 withscores; }
keep_counters() {
  kept=$(mktemp -d)
  counts >"$kept/counts"
  scripts/backup.sh ${prod:+--prod} "$kept/before.rdb" >"$kept/said" 2>&1 || { cat "$kept/said"; echo "Bail out! The counters can't be saved, so they could not be put back"; exit 1; }
}
counters_are_put_back() {
  local said
  said=$(scripts/restore.sh ${prod:+--prod} "$kept/before.rdb" 2>&1) || { echo "$said"; return 1; }
  inside redis rm -r "$(grep -o '/data/replaced-[0-9-]*' <<<"$said" | head -n 1)" || return
  within 15 "${curl[@]}" -fsS "$url/health" || return
  diff "$kept/counts" <(counts)
}
put_counters_back() {
  trap - EXIT
  trap '' INT TERM HUP
  if counters_are_put_back >"$kept/said" 2>&1; then
    rm -rf "$kept"
  else
    cat "$kept/said"
    echo "# The counters as they were are in $kept/before.rdb; scripts/restore.sh ${prod:+--prod }puts them back"
  fi
}
