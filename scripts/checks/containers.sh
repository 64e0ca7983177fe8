# shellcheck shell=bash
# Checks of the containers, their networks, files and secrets.

only_nginx_published() {
  local service ports
  for service in app redis; do
    # shellcheck disable=SC2016 # a template of Docker's
    ports=$(inspect "$service" \
      '{{range $port, $to := .NetworkSettings.Ports}}{{if $to}}{{$port}} {{end}}{{end}}')
    [ -z "$ports" ] || complain "$service publishes $ports" || return
  done
}
hardened() {
  local service state
  for service in nginx app redis; do
    state=$(inside "$service" cat /proc/1/status) || return
    grep -q '^Uid:[[:space:]]*[1-9][0-9]*[[:space:]]*[1-9]' <<<"$state" ||
      complain "$service runs as root" || return
    grep -q '^CapEff:[[:space:]]*0000000000000000$' <<<"$state" ||
      complain "$service has capabilities" || return
    grep -q '^NoNewPrivs:[[:space:]]*1$' <<<"$state" ||
      complain "$service may gain privileges" || return
  done
}
read_only_roots() {
  local service
  for service in nginx app redis; do
    # shellcheck disable=SC2016 # the container's shell expands it
    inside "$service" sh -c '
      for folder in / /etc /usr /app /var; do
        [ ! -d $folder ] || ! echo >$folder/x || exit 1
      done' 2>/dev/null || complain "$service can write to its root" || return
    [ "$(inspect "$service" '{{.HostConfig.ReadonlyRootfs}}')" = true ] ||
      complain "$service is not read-only" || return
  done
}
limits_set() {
  local service limits log='map\[max-file:3 max-size:10m\]'
  limits='{{with .HostConfig}}{{.Memory}} {{.NanoCpus}} {{.PidsLimit}}'
  limits+=' {{.LogConfig.Type}} {{.LogConfig.Config}} {{.RestartPolicy.Name}}{{end}}'
  # Podman obeys the options and does not tell them.
  [ -z "$podman" ] || log='<no value>'
  for service in nginx app redis; do
    inspect "$service" "$limits" |
      found -E "^[1-9][0-9]* [1-9][0-9]* [1-9][0-9]* json-file $log (unless-stopped|always)\$" ||
      complain "$service lacks a limit" || return
  done
}
# As the table of src/docs/production.md has it; MB, and cores where CPU_LIMIT names no others.
limits_as_told() {
  local service is
  for service in nginx app redis; do
    is=$(inspect "$service" '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' |
      awk '{ print $1 / 1048576, $2 / 1e9 }')
    [ -z "${CPU_LIMIT:-}" ] || is="${is% *} -"
    case $service$prod in
      app) [[ $is = "512 1" || $is = "512 -" ]] ;;
      appyes) [[ $is = "512 0.5" || $is = "512 -" ]] ;;
      nginx) [[ $is = "320 "* ]] ;;
      nginxyes) [[ $is = "512 "* ]] ;;
      *) [[ $is = "256 "* ]] ;;
    esac || complain "$service has $is" || return
  done
}
# What is written there is bounded, and can't be run.
tmp_is_bounded() {
  local service mount
  for service in nginx app; do
    mount=$(inside "$service" cat /proc/mounts | grep ' /tmp tmpfs ')
    [[ $mount = *nosuid* && $mount = *nodev* && $mount = *noexec* && $mount = *size=*k* ]] ||
      complain "$service: $mount" || return
  done
}
# In time, and Nginx by the signal for which it finishes what it has.
stops_in_order() {
  local service is
  for service in nginx app redis; do
    is=$(inspect "$service" '{{.Config.StopSignal}} {{.Config.StopTimeout}}')
    case $service in
      nginx) [ "$is" = "SIGQUIT 30" ] ;;
      app) [ "$is" = "SIGTERM 20" ] || [ -n "$dev" ] ;;
      redis) [[ $is = *" 30" ]] ;;
    esac || complain "$service: $is" || return
  done
}
asked_each_second() { [ "$(inspect app '{{.Config.Healthcheck.StartInterval}}')" = 1s ]; }
# The options of the image, as Java takes them.
java_ends_without_memory() {
  answer=$(inside app java @/app/java.options -XX:+PrintFlagsFinal --version 2>/dev/null) &&
    has 'ExitOnOutOfMemoryError *= true' &&
    has 'MaxRAMPercentage *= [1-7][0-9]\.' && has 'MaxDirectMemorySize *= [1-9]' || return
  inside app cat /proc/1/cmdline | tr '\0' '\n' | found -x '@/app/java.options'
}
health_checks_set() {
  local service interval asks is
  local times='{{with .Config.Healthcheck}}{{.Interval}} {{.Timeout}} {{.Retries}} {{.StartPeriod}}'
  for service in nginx app redis; do
    interval=5s
    case $service in
      nginx) asks='*/nginx/health]' ;;
      app) interval=30s asks='*:5000/health]' ;;
      redis) asks='*redis-cli -e * --user health * ping]' ;;
    esac
    is=$(inspect "$service" '{{.Config.Healthcheck.Test}}')
    # shellcheck disable=SC2053 # a pattern
    [[ $is = $asks ]] || complain "$service is asked $is" || return
    inspect "$service" "$times{{end}}" |
      found -x "$interval 10s 3 40s" || complain "$service checks differently" || return
  done
}
networks_apart() {
  local address network networks
  # shellcheck disable=SC2016 # a template of Docker's
  networks=$(inspect app '{{range $name, $of := .NetworkSettings.Networks}}{{$name}} {{end}}')
  for network in $networks; do
    [ "$(docker network inspect "$network" --format '{{.Internal}}')" = true ] ||
      complain "$network is not internal" || return
  done
  address=$(inspect redis '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  ! inside nginx curl -sS -m 2 "telnet://redis:6379" </dev/null >/dev/null 2>&1 ||
    complain "nginx reaches redis by name" || return
  # 7 and 28: no connection; anything else is one.
  inside nginx curl -sS -m 2 "telnet://$address:6379" </dev/null >/dev/null 2>&1
  case $? in
    7 | 28) ;;
    *) complain "nginx reaches $address:6379" ;;
  esac
}
no_way_out() {
  local service
  way_out() {
    inside "$1" cat /proc/net/route |
      awk '$2 == "00000000" { found = 1 } END { exit !found }'
  }
  way_out nginx || complain "Nginx has none either, so this says nothing" || return
  for service in app redis; do
    ! way_out "$service" || complain "$service has a way out" || return
  done
  # An address that is nobody's.
  answer=$(inside app wget -T 3 -q -O - http://192.0.2.1/ 2>&1)
  has 'network is unreachable' || return
  answer=$(inside redis redis-cli -h 192.0.2.1 -t 3 ping 2>&1)
  has 'network is unreachable'
}
java_is_pid_1() { [ "$(inside app cat /proc/1/comm)" = java ]; }
shell_is_not_root() { inside app /bin/sh -c id | found 'uid=10001'; }

# Every secret of the environment, in whatever is shown of the images, containers, processes and
# logs.
no_secret_visible() {
  local file service seen where
  seen=$scratch/seen
  for service in nginx app redis; do
    echo "in docker inspect or docker history of $service:"
    docker inspect "$(container "$service")" &&
      docker image inspect "$(inspect "$service" '{{.Image}}')" &&
      docker history --no-trunc "$(inspect "$service" '{{.Image}}')" || return
    echo "in the environment or command of $service:"
    # shellcheck disable=SC2016 # the container's shell expands it
    inside "$service" sh -c '
      cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n"
      [ -r /proc/1/environ ]' || return
    echo "in the log of $service:"
    docker compose logs --no-log-prefix "$service" || return
  done >"$seen" 2>&1 || complain "$(tail -n 3 "$seen")" || return
  # There is no jar in dev.
  if [ -z "$dev" ]; then
    answer=$(inside app java -jar /app/tally.jar --print-config 2>&1) &&
      has '^redis.password = "[*]*"' || return
    printf '%s\n' "in --print-config:" "$answer" >>"$seen"
  fi
  [ "$(wc -l <"$seen")" -gt 200 ] || complain "too little to look at:" "$(cat "$seen")" || return
  for file in "conf/$environment"/secrets/*-password; do
    where=$(SECRET=$(cat "$file") awk \
      '/^in .*:$/ { where = $0 } index($0, ENVIRON["SECRET"]) { print where; exit }' "$seen")
    [ -z "$where" ] || complain "${file##*/} is seen $where" || return
  done
}
files_in_the_image() {
  local found
  found=$(inside app busybox find / -xdev -type f -path '/app/*')
  grep -qx /app/tally.jar <<<"$found" || complain "nothing found: $found" || return
  # By owner and mode, not by trying: the file system is read-only anyway. What is mounted is not of
  # the image.
  found=$(inside app busybox find / -xdev ! -type l \
    \( -user 10001 -o -group 10001 -o -perm -0002 -o -perm /6000 \)) || return
  found=$(grep -vxF -f <(inside app cat /proc/mounts | cut -d' ' -f2) <<<"$found" || true)
  [ -z "$found" ] ||
    complain "the service may change, or would become another user by: $found" || return
}
lists_its_parts() {
  local listed there
  answer=$(inside app cat /app/bom.json) && has '"bomFormat" : "CycloneDX"' || return
  local to_file='s|.*"purl" : "pkg:maven/[^/]*/\([^@]*\)@\([^?]*\)?type=jar".*|\1-\2.jar|p'
  listed=$(sed -n "$to_file" <<<"$answer" | grep -v '^tally-' | sort)
  there=$(inside app ls /app/lib | sort)
  [ -n "$there" ] || return
  diff <(echo "$listed") <(echo "$there")
}
