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
