# shellcheck shell=bash
# Checks of development alone.

# Changes a file of the sources with sed; it is put back by restore, or when the check ends.
edit() { # FILE SCRIPT
  edited=$1 original=$scratch/original
  trap restore EXIT
  trap 'exit 1' INT TERM
  cp -p "$edited" "$original"
  sed -i "$2" "$edited"
  ! cmp -s "$edited" "$original" || complain "the edit $2 changes nothing in $edited" || return
}
restore() {
  if [ -f "$original" ]; then
    cp "$original" "$edited"
    rm "$original"
  fi
}
says() { # MESSAGE
  "${curl[@]}" -fsS -m 5 "$url/" | found -F "\"message\":\"$1\""
}
# Runs it while what an open page is told is written to $heard.
listening() { # COMMAND…
  heard=$scratch/heard
  # As a page does, it comes back after each reload.
  # shellcheck disable=SC2016 # that shell expands it
  timeout 20 sh -c 'while :; do curl -sS -N "$0"; sleep 0.1; done' \
    "$url/dev/events" >"$heard" 2>/dev/null &
  local listener=$! result=0
  { within 2 grep '^data:' "$heard" && "$@"; } || result=1
  kill "$listener"
  return $result
}
changed='"Changed"'
code_is_reloaded() {
  local since
  since=$(inspect app '{{.Id}} {{.State.StartedAt}}')
  edit "$routes" "s/$greeting/${greeting/message/$changed}/" && within 3 says Changed || return
  restore
  within 3 says "Welcome to Tally" && [ "$(inspect app '{{.Id}} {{.State.StartedAt}}')" = "$since" ]
}
resources_are_reloaded() {
  edit src/main/resources/reference.conf 's/"Welcome to Tally"/"Changed"/' &&
    within 3 says Changed || return
  restore
  within 3 says "Welcome to Tally"
}
error_is_shown() {
  # counter:begin
  answer=$(ask -H 'Accept: text/html' "$url/") &&
    has '<script type="module" src="dev/reload.js">' || return
  # counter:end
  answer=$(ask "$url/dev/reload.js") && status 200 && listening error_is_heard
}
error_is_heard() {
  edit "$routes" "s/$greeting/${greeting/message,/$changed}/" || return
  within 3 grep "\"problem\":\"$routes:[0-9]*: " "$heard" && says "Welcome to Tally" &&
    reported || return
  restore
  # What was wrong is taken back.
  within 3 sh -c "tail -n 2 '$heard' | grep -c '\"problem\":\"\"'"
}
reported() {
  docker compose logs --no-log-prefix --since 10s app 2>&1 |
    found "reload: $routes:[0-9]*: " || complain "not in the log" || return
}
# counter:begin
style_is_shown() { listening style_is_heard; }
style_is_heard() {
  local before
  before=$(grep -o '"style":[-0-9]*' "$heard" | tail -n 1)
  edit src/main/resources/public/tally.css '1s/^/.smoke {} /' || return
  within 1 sh -c "tail -n 2 '$heard' | grep '\"style\":' | grep -v '$before,'" || return
  answer=$(ask "$url/static/tally.css") && has '^cache-control: no-cache' && has '^.smoke {}'
}
# counter:end
answers_here_alone() {
  local service
  local addresses='{{range .NetworkSettings.Ports}}{{range .}}{{println .HostIp}}{{end}}{{end}}'
  for service in app redis; do
    ! inspect "$service" "$addresses" | grep -vx -e 127.0.0.1 -e '' || return
  done
  answer=$(ask "http://127.0.0.1:${APP_PORT:-5000}/health/live") && status 200 &&
    tells 'PING\r\n' -NOAUTH "${DEV_REDIS_PORT:-6379}"
}
tells() { # WHAT ANSWER PORT: what a port of this machine says to that
  local said
  said=$(timeout 3 bash -c "
    exec 3<>/dev/tcp/127.0.0.1/$3 && printf '$1' >&3 && head -c ${#2} <&3" 2>/dev/null | tr -d '\0')
  [ "$said" = "$2" ] || complain "port $3 says '$said'" || return
}
debugger_attaches() {
  local port=${DEBUGGER_PORT:-5005}
  ! tells JDWP-Handshake JDWP-Handshake "$port" ||
    complain "it can without having been asked for" || return
  TALLY_DEBUGGER=1 docker compose up -d --no-deps --wait app >/dev/null 2>&1 &&
    tells JDWP-Handshake JDWP-Handshake "$port"
  local result=$?
  docker compose up -d --no-deps --wait app >/dev/null 2>&1 && within 10 healthy && return $result
}
