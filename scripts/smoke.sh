#!/usr/bin/env bash
# smoke.sh [--list] [--gentle] [--podman] [--dev|--prod] [--random-third [SEED]] [URL] [CHECK…]:
# checks every claim of the README against the running stack, one TAP line each; with CHECK, by the
# names that --list gives, those alone.
#
# URL is where Nginx answers (http://127.0.0.1:$HTTP_PORT). The containers are those of the compose
# project here. --dev: the stack is that of conf/dev/.env; files under src/main are changed for a
# moment, and put back.
# --prod: the stack is that of conf/prod/.env (https://127.0.0.1:$HTTPS_PORT), with whatever
# certificate it has. --gentle leaves out the checks that stop a service for a moment, exchange
# certificate or passwords, or put a backup back: what a stack with visitors can bear. --podman:
# docker is Podman here; leaves out what can't be asked there, and says why. --random-third: of what
# is claimed of every kind of stack a third, for CI; it prints its seed, and takes one. --list
# prints each claim with the name of its check.
# It writes, as any client does, and at the end, also at Ctrl-C, puts back what was there before,
# with what others wrote meanwhile. Not so with --gentle: there it stays, and it says how much came.
# --keep-visits: it stays, too, but nothing else is left out; for a stack that is thrown away.
# Exit status 0 if all claims hold.
set -uo pipefail
. "$(dirname "$0")/lib/command.sh"

list="" gentle="" podman="" dev="" prod="" keep_visits="" seed="" url="" checks=()
for argument; do
  case $argument in
    --random-third) seed=$RANDOM ;;
    [0-9]*) seed=$argument ;;
    --list) list=yes ;;
    --gentle) gentle=yes ;;
    --podman) podman=yes ;;
    --dev) dev=yes ;;
    --prod) prod=yes ;;
    --keep-visits) keep_visits=yes ;;
    http*://*) url=${argument%/} ;;
    [a-z]*) checks+=("$argument") ;;
    *) misuse "unknown argument $argument; see --help" ;;
  esac
done
cd "$(dirname "$0")/.." || exit 2
. scripts/lib/ask.sh
. scripts/lib/chance.sh
. scripts/lib/crowd.sh
. scripts/lib/edge.sh
. scripts/lib/ports.sh
. scripts/lib/redis.sh
. scripts/lib/stack.sh
. scripts/lib/tap.sh
. scripts/lib/wait.sh
plain=http://127.0.0.1:${HTTP_PORT:-80}
environment=${TALLY_ENV:-local} curl=(curl)
# Requests for a load that the rate limit lets pass.
load=250
static_cache="public, max-age="
kind=local
if [ -n "$dev" ]; then
  kind=dev static_cache=no-cache
  export COMPOSE_ENV_FILES=conf/dev/.env
fi
if [ -n "$prod" ]; then
  kind=prod environment=prod load=60 curl=(curl -k)
  inner=https://127.0.0.1:8443
  url=${url:-https://127.0.0.1:${HTTPS_PORT:-443}}
  export COMPOSE_ENV_FILES=conf/prod/.env
fi
url=${url:-$plain}
. scripts/lib/service.sh
replicas=$(docker compose ps -q app 2>/dev/null | wc -l)

. scripts/checks/dev.sh
. scripts/checks/prod.sh
. scripts/checks/service.sh
. scripts/checks/edge.sh
. scripts/checks/containers.sh
. scripts/checks/passing.sh
. scripts/checks/networks.sh
# counter:begin
. scripts/checks/proxies.sh
# counter:end
. scripts/checks/redis.sh
. scripts/checks/faults.sh
. scripts/checks/doctor.sh
. scripts/checks/external.sh
. scripts/checks/backup.sh

if [ -z "$list" ] && ! "${curl[@]}" -sS -m 10 -o /dev/null "$url/nginx/health"; then
  echo "Bail out! Nothing answers at $url; start the stack first (docker compose up -d --wait)," \
    "or name its address"
  exit 1
fi

# What a check asks that Podman has not, though the claim may hold.
not_on_podman() { # CHECK
  case $1 in
    starts_without_ipv6) echo "its API takes no seccomp profile" ;;
    external_redis_counts)
      echo "its default network, and so the way to this machine, has another name"
      ;;
    visitors_over_ipv6) echo "it does not forward [::1] into a container" ;;
    stops_in_order) echo "it tells a signal by its number" ;;
    asked_each_second) echo "it knows no start interval" ;;
    doctor_knows)
      echo "a port of the check's container takes no connection there, as nothing in it listens"
      ;;
    *) return 1 ;;
  esac
}

for check in "${checks[@]}"; do
  declare -F "$check" >/dev/null || misuse "there is no check $check; see --list"
done
at_end() {
  # counter:begin
  proxies_end
  # counter:end
  rm -rf "${scratch:-}"
  [ -n "$gentle$keep_visits" ] || put_counters_back
}
if [ -z "$list" ]; then
  [ -n "$gentle$keep_visits" ] || keep_counters
  trap at_end EXIT
  trap 'exit 130' INT TERM HUP
fi
[ -z "$gentle" ] || total_before=$(total)

third=""
claim() { # [--stops] [--only|--not ENVIRONMENT] [--always] WHAT… CHECK
  local stops="" always="" check what reason said began=$SECONDS
  while [[ $1 = --* ]]; do
    case $1 in
      --stops) stops=yes ;;
      --always) always=yes ;;
      --only)
        [ "$2" = "$kind" ] || return 0
        shift
        ;;
      --not)
        [ "$2" != "$kind" ] || return 0
        shift
        ;;
    esac
    shift
  done
  check=${*: -1} what=${*:1:$#-1}
  [ ${#checks[@]} = 0 ] || [[ " ${checks[*]} " = *" $check "* ]] || return 0
  [ -z "$third" ] || [ -n "$always" ] || in_third || return 0
  if [ -n "$list" ]; then
    printf '%-72s %s\n' "$what" "$check"
  elif [ -n "$podman" ] && reason=$(not_on_podman "$check"); then
    tap_skip "$what" "$reason"
  elif [ -n "$stops" ] && [ -n "$gentle" ]; then
    tap_skip "$what" --gentle
  else
    # For what a check writes; it is gone when the check has ended.
    scratch=$(mktemp -d)
    if said=$("$check" 2>&1); then
      tap_ok "$what"
    else
      tap_not_ok "$what" "$said"
    fi
    rm -rf "$scratch"
    tap_took "$began" 5
  fi
}

if [ -n "$dev" ]; then
  claim "saved code answers within 3 s, in the same container" code_is_reloaded
  claim "a saved resource, too" resources_are_reloaded
  claim "a compile error is told to open pages and logged, and the old code answers on" \
    error_is_shown
  # counter:begin
  claim "a saved style sheet is there within 1 s, and open pages are told" style_is_shown
  # counter:end
  claim "the app and Redis answer on 127.0.0.1, and there alone" answers_here_alone
  claim --stops "a debugger can attach on request, and only then" debugger_attaches
fi
if [ -n "$prod" ]; then
  claim "HTTP is redirected to HTTPS, but for the health check and the proof for a certificate" \
    plain_is_redirected
  claim "another name than the certificate's is a 421 problem, and no redirect goes there" \
    other_names_refused
  claim "HTTP/2 is spoken" speaks_http2
  claim "what one client makes Nginx hold over HTTP/2 is bounded" shut_windows_are_bounded
  claim "TLS 1.2 and 1.3 are spoken, nothing older" old_tls_refused
  claim "no ticket of TLS opens what was recorded" no_tickets
  claim "browsers are told to come back over HTTPS only" hsts_is_set
  # counter:begin
  claim "cookies are Secure" cookies_are_secure
  claim --stops "where TLS ended in a named proxy," \
    "HTTP is served as HTTPS; to others it is redirected" tls_ends_in_front
  # counter:end
  claim "the app refuses to start with the sample password" sample_password_refused
  claim "without secrets nothing starts, and the script that makes them is named" \
    missing_secrets_named
fi
if [ -n "$seed" ]; then
  third=yes
  third_begins "$seed"
fi
# counter:begin claims
claim "GET / counts a visit and answers its number" counts_a_visit
claim "GET /api/visits reads the total without counting" reads_without_counting
claim "a browser gets a page with the number in it" page_has_the_number
claim "POST /api/visits/{page} counts a visit of a page; a name that is none is a 400" counts_a_page
claim "a page of another site may read counts and errors, and no session" other_sites_may_read
claim "a badge shows a count, and is not sent again unchanged" shows_a_badge
claim "a badge that counts: each showing is a visit, no cache keeps it;" \
  "HEAD and bots count nothing" badge_counts
claim "the JSON of a badge is as shields.io's endpoint badge reads it" badge_for_shields
claim "statistics come from the cache, at the app and at the edge" statistics_are_cached
claim "statistics are never older than ten seconds, however seldom they are asked for" \
  statistics_are_of_now
claim "statistics at the edge begin anew each ten seconds, wherever its clock goes" \
  statistics_begin_anew
claim "statistics are the same in any spelling of their address" statistics_have_one_spelling
claim "the page begins a session, which holds data until it is ended" sessions_work
claim "a client that did not ask gets no session" no_session_unasked
claim "an open page hears of a visit within a second" events_are_live
claim --only local "an open page that is quiet stays open" quiet_page_stays_open
# counter:end
claim --not dev "the app's log has start, stop and what goes wrong, not what is asked" log_is_quiet
claim "/openapi.yaml describes the addresses" described
claim "metrics are for the inside only" metrics_inside_only
claim "/health reports on Redis: latency, memory, last save" health_reports
claim "/health/live answers" live_answers
claim "an unknown address is a 404 problem" unknown_is_404
claim "a wrong method is a 405 problem that names the right ones" wrong_method_is_405
claim "the five security headers are on every answer" headers_everywhere
claim "Nginx hides its version" version_hidden
# counter:begin
claim "static files come compressed and with cache headers" static_files
claim "the script for other pages takes 1.5 KB" script_is_small
# counter:end
claim "a body over the limit is a 413 problem" large_body_refused
# counter:begin
claim "a session may send 64 KiB, and no more" session_takes_64k
claim --not prod "one address sends sixteen sessions at once at most" sessions_are_bounded
# counter:end
claim --not prod "a request that takes too long to come is cut off" slow_requests_are_cut_off
# counter:begin
claim "one address has so many connections at most, and keeps those it has" connections_are_bounded
# counter:end
claim "Nginx keeps its connections to the app" connections_are_kept
claim --not prod "a client that leaves before its answer costs no connection to the app" \
  aborted_requests_cost_no_connection
claim "headers over the limit are a 400 problem" large_header_refused
claim "more headers than a browser ever sends are a 400 problem" many_headers_refused
claim "a precondition that fails is a 412 problem" preconditions_fail_in_words
claim "X-HTTP-Method-Override does not reach the app" override_stripped
claim "a client's own X-Request-Id does not reach the app" own_request_id_dropped
claim "too many requests from one address are a 429 problem with Retry-After," \
  "whatever they say of themselves" rate_limited
claim "no spelling of an address or method gets around the limits" limits_hold_in_any_spelling
claim "a body that nobody wants is read or refused, never a 5xx, and nothing is written untold" \
  bodies_are_read_or_refused
claim "browsers and crawlers that ask by habit get an icon and robots.txt" icon_and_robots
# counter:begin
claim "no address shows the page's template" no_template_shown
# counter:end
claim "a client's address is that of its connection, whatever it says of itself" \
  forged_address_ignored
claim "Nginx answers for its own health" nginx_health
claim "Nginx' status is for the inside only" status_from_inside_only
claim "the access log is JSON with request id, upstream and times" log_is_json
claim "a line of it is JSON in UTF-8, whatever was sent" log_is_json_whatever_is_sent
claim --not dev "only Nginx publishes a port" only_nginx_published
claim "no container runs as root, has a capability, or may gain one" hardened
claim "every root file system is read-only" read_only_roots
claim "every container has limits, log rotation and a restart policy" limits_set
claim "every container has the memory and CPU that the README names" limits_as_told
claim "what is written to /tmp is bounded, and can't be run" tmp_is_bounded
claim "every container is stopped by the right signal, and has time for it" stops_in_order
claim "health checks are asked as documented" health_checks_set
claim "the app is asked each second while it starts" asked_each_second
claim --not dev "a service that ran out of memory ends, and is started anew" \
  java_ends_without_memory
claim --not dev "Redis can't be reached from Nginx; the inner networks are internal" networks_apart
claim --not dev "the app and Redis have no way out" no_way_out
claim --only local "a network of its name that is another's is not joined, and named" \
  taken_network_refused
claim "Nginx listens on IPv6, too" listens_on_ipv6
claim "Nginx starts on a kernel without IPv6" starts_without_ipv6
claim "Nginx asks the name servers that the engine gave it" name_servers_found
claim "a proxy or an app that is no address is refused at the start" proxies_are_checked
claim --only local "the app gets to know what Nginx knows of a client, not what the client says" \
  passes_on_what_it_knows
claim --only local "a replica that hangs up or is stopping costs nothing, whatever the method" \
  another_replica_is_asked
claim --only local "a request that finds no replica is begun once more" request_is_begun_once_more
# counter:begin
claim --only local "an error at a badge's address is a badge, also where Nginx answers" \
  errors_are_badges
# counter:end
claim --not dev --stops "another project's app and redis in the network get no request" \
  strangers_get_nothing
claim --only local "over IPv6 it answers visitors, and sees their addresses" visitors_over_ipv6
claim --only local "with a Redis elsewhere nothing starts until it is named" \
  external_redis_asked_for
claim --only local "a Redis elsewhere is used, over TLS, with the password from a file," \
  "and none is started here" external_redis_counts
# counter:begin
if [ -z "$dev$prod" ]; then
  behind_proxies
  claim "behind two proxies the client's address and TLS are what they say, once they are named" \
    named_proxies_believed
  claim "under a path of the site, stripped by a proxy or passed on, all of the page is there" \
    whole_under_a_path
  claim "there, no spelling gets around the limits, either, and what is Nginx' own stays so" \
    limits_hold_under_a_path
  claim "a wrong BASE_PATH is named, and Nginx does not start" wrong_base_path_named
  claim "the addresses of one IPv6 network share a limit, and leave others theirs" \
    ipv6_networks_share_a_limit
  proxies_end
fi
# counter:end
claim "doctor.sh names what would keep the stack from starting" doctor_knows
claim "SIGTERM reaches the service: it is process 1" java_is_pid_1
claim "docker compose exec app /bin/sh works, and is not root" shell_is_not_root
claim "Redis' default user is off" acl_default_off
claim "the app's Redis user can do its work" acl_app_can_count
claim "the app's Redis user can't touch other keys, nor delete, overwrite or expire what it keeps" \
  acl_app_keys
claim "the app's Redis user can't administer Redis" acl_app_commands
claim "the health check's Redis user can PING and read INFO, no more" acl_health
claim "the operator's Redis user can look and end a script, not write" acl_operator
claim "the backup's Redis user can have a snapshot made, no more" acl_backup
claim "no secret is in an inspection, image history, environment, command, log or listing" \
  no_secret_visible
claim --not dev "the service could change no file of its image," \
  "and none would make it another user" files_in_the_image
claim --not dev "the image lists its libraries (CycloneDX)" lists_its_parts
claim "Redis keeps a log and snapshots, and never drops what has no end" redis_is_durable
claim "Redis is on disk within a second, and has bounds for clients, scripts and memory" \
  redis_keeps_its_bounds
claim --stops "a proxy is believed once it is named as trusted, and only its own word" \
  trusted_proxy_believed
# counter:begin
claim --only prod --always --stops "a new certificate is taken, and no connection dropped" \
  new_certificate_taken
# counter:end
claim --only prod --always --stops "other passwords cost no request, and end the old ones" \
  new_passwords_cost_nothing
claim --not dev --stops "more replicas share the load without a reload" replicas_share_the_load
claim --stops "a replaced app container is found without a reload" replaced_app_is_found
claim --not dev --stops "a replica killed under load: every request is answered," \
  "each is counted once" killed_replica_costs_nothing
claim --stops "without the app, Nginx answers a 502 or 504 problem" gone_app_is_a_problem
claim --stops "without Redis: 503 within two seconds, alive, and well again by itself" \
  gone_redis_is_503
claim "a damaged backup is refused, and nothing touched" damaged_backup_refused
claim --not dev "a backup goes into a stack that was never started" backup_goes_anywhere
claim --stops "a backup brings back what was written, also after a restart" \
  backup_goes_back
claim --stops "a restore is alone: a second one and a backup beside it are refused" restores_alone
claim --stops "docker compose down and up keeps what was written" down_and_up_keeps_the_count
[ -n "$keep_visits" ] ||
  claim --stops "the counters are as they were before these checks" counters_are_put_back
[ -z "$list" ] || exit 0

if [ -n "$gentle" ]; then
  grown=$(($(total) - total_before))
  tap_say "The total grew by $grown meanwhile, by these checks and by visitors"
fi
tap_plan
if [ "$tap_number" -lt ${#checks[@]} ]; then
  # A check of another kind of stack.
  tap_say "only $tap_number of ${#checks[@]} checks are of this stack"
  exit 2
elif [ "$tap_failed" != 0 ]; then
  tap_say "$tap_failed of $tap_number claims do not hold"
  exit 1
fi
