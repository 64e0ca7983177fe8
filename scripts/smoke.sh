#!/usr/bin/env bash
# smoke.sh [--list] [--gentle] [--dev|--prod] [URL]: checks every claim of the README against the running stack, one TAP line
# each.
#
# URL is where Nginx answers (http://127.0.0.1:$HTTP_PORT). The containers are those of the compose project here.
# --dev: the stack is that of conf/dev/.env; files under src/main are changed for a moment, and put back.
# --prod: the stack is that of conf/prod/.env (https://127.0.0.1:$HTTPS_PORT), with whatever certificate it has.
# --gentle leaves out the checks that stop a service for a moment, exchange certificate or passwords, or put a backup back:
# what a stack with visitors can bear. --list prints each claim with the name of its check.
# It counts visits, as any client does. Exit status 0 if all claims hold.
set -uo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

list="" gentle="" dev="" prod="" url=""
for argument; do
  case $argument in
    --list) list=yes ;;
    --gentle) gentle=yes ;;
    --dev) dev=yes ;;
    --prod) prod=yes ;;
    http*://*) url=${argument%/} ;;
    *) echo "smoke.sh: unknown argument $argument; see --help" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.." || exit 2
plain=http://127.0.0.1:${HTTP_PORT:-80}
environment=${TALLY_ENV:-local} curl=(curl)
# Visits for a load that the rate limit lets pass.
load=250
static_cache="public, max-age="
if [ -n "$dev" ]; then
  static_cache=no-cache
  export COMPOSE_ENV_FILES=conf/dev/.env
fi
if [ -n "$prod" ]; then
  environment=prod load=60 curl=(curl -k)
  inner=https://127.0.0.1:8443
  url=${url:-https://127.0.0.1:${HTTPS_PORT:-443}}
  export COMPOSE_ENV_FILES=conf/prod/.env
fi
url=${url:-$plain}
replicas=$(docker compose ps -q app 2>/dev/null | wc -l)

# shellcheck source=scripts/checks/ask.sh
. scripts/checks/ask.sh
# shellcheck source=scripts/checks/dev.sh
. scripts/checks/dev.sh
# shellcheck source=scripts/checks/prod.sh
. scripts/checks/prod.sh
# shellcheck source=scripts/checks/service.sh
. scripts/checks/service.sh
# shellcheck source=scripts/checks/edge.sh
. scripts/checks/edge.sh
# shellcheck source=scripts/checks/containers.sh
. scripts/checks/containers.sh
# shellcheck source=scripts/checks/redis.sh
. scripts/checks/redis.sh
# shellcheck source=scripts/checks/faults.sh
. scripts/checks/faults.sh
# shellcheck source=scripts/checks/backup.sh
. scripts/checks/backup.sh

if [ -z "$list" ] && ! "${curl[@]}" -sS -m 10 -o /dev/null "$url/nginx/health"; then
  echo "Bail out! Nothing answers at $url; start the stack first (docker compose up -d --wait), or name its address"
  exit 1
fi

number=0 failed=0
claim() { # [--stops] 'what is claimed' check
  local stops=
  [ "$1" != --stops ] || { stops=yes; shift; }
  if [ -n "$list" ]; then printf '%-72s %s\n' "$1" "$2"; return; fi
  number=$((number + 1))
  if [ -n "$stops" ] && [ -n "$gentle" ]; then echo "ok $number - $1 # SKIP --gentle"; return; fi
  local said
  if said=$("$2" 2>&1); then
    echo "ok $number - $1"
  else
    failed=$((failed + 1))
    echo "not ok $number - $1"
    # shellcheck disable=SC2001 # a prefix for every line
    sed 's/^/#   /' <<<"$said"
  fi
}

if [ -n "$dev" ]; then
  claim "saved code answers within 3 s, in the same container" code_is_reloaded
  claim "a saved resource, too" resources_are_reloaded
  claim "a compile error is told to open pages and logged, and the old code answers on" error_is_shown
  claim "a saved style sheet is there within 1 s, and open pages are told" style_is_shown
  claim "the app and Redis answer on 127.0.0.1, and there alone" answers_here_alone
  claim --stops "a debugger can attach on request, and only then" debugger_attaches
fi
if [ -n "$prod" ]; then
  claim "HTTP is redirected to HTTPS, but for the health check" plain_is_redirected
  claim "HTTP/2 is spoken" speaks_http2
  claim "TLS 1.2 and 1.3 are spoken, nothing older" old_tls_refused
  claim "browsers are told to come back over HTTPS only" hsts_is_set
  claim "cookies are Secure" cookies_are_secure
  claim "the app refuses to start with the sample password" sample_password_refused
  claim "without secrets nothing starts, and the script that makes them is named" missing_secrets_named
fi
claim "GET / counts a visit and answers its number" counts_a_visit
claim "GET /api/visits reads the total without counting" reads_without_counting
claim "a browser gets a page with the number in it" page_has_the_number
claim "POST /api/visits/{page} counts a visit of a page; a name that is none is a 400" counts_a_page
claim "a badge shows a count, and is not sent again unchanged" shows_a_badge
claim "statistics come from the cache, at the app and at the edge" statistics_are_cached
claim "the page begins a session, which holds data until it is ended" sessions_work
claim "a client that did not ask gets no session" no_session_unasked
claim "an open page hears of a visit within a second" events_are_live
claim "/openapi.yaml describes the addresses" described
claim "metrics are for the inside only" metrics_inside_only
claim "/health reports on Redis: latency, memory, last save" health_reports
claim "/health/live answers" live_answers
claim "an unknown address is a 404 problem" unknown_is_404
claim "a wrong method is a 405 problem that names the right ones" wrong_method_is_405
claim "the five security headers are on every answer" headers_everywhere
claim "Nginx hides its version" version_hidden
claim "static files come compressed and with cache headers" static_files
claim "a body over the limit is a 413 problem" large_body_refused
claim "headers over the limit are a 400 problem" large_header_refused
claim "X-HTTP-Method-Override does not reach the app" override_stripped
claim "a client's own X-Request-Id does not reach the app" own_request_id_dropped
claim "too many requests from one address are a 429 problem with Retry-After, whatever they say of themselves" rate_limited
claim "a client's address is that of its connection, whatever it says of itself" forged_address_ignored
claim "Nginx answers for its own health" nginx_health
claim "Nginx' status is for the inside only" status_from_inside_only
claim "the access log is JSON with request id, upstream and times" log_is_json
[ -n "$dev" ] || claim "only Nginx publishes a port" only_nginx_published
claim "no container runs as root, has a capability, or may gain one" hardened
claim "every root file system is read-only" read_only_roots
claim "every container has limits, log rotation and a restart policy" limits_set
claim "health checks are asked as documented" health_checks_set
[ -n "$dev" ] || claim "Redis can't be reached from Nginx; the inner networks are internal" networks_apart
[ -n "$dev" ] || claim "the app and Redis have no way out" no_way_out
claim "SIGTERM reaches the service: it is process 1" java_is_pid_1
claim "docker compose exec app /bin/sh works, and is not root" shell_is_not_root
claim "Redis' default user is off" acl_default_off
claim "the app's Redis user can do its work" acl_app_can_count
claim "the app's Redis user can't touch other keys, nor delete, overwrite or expire a count" acl_app_keys
claim "the app's Redis user can't administer Redis" acl_app_commands
claim "the health check's Redis user can PING and read INFO, no more" acl_health
claim "the operator's Redis user can look, not write" acl_operator
claim "the backup's Redis user can have a snapshot made, no more" acl_backup
claim "no secret is in an inspection, image history, environment, command, log or listing" no_secret_visible
[ -n "$dev" ] || claim "the service could change no file of its image, and none would make it another user" files_in_the_image
[ -n "$dev" ] || claim "the image lists its libraries (CycloneDX)" lists_its_parts
claim "Redis keeps a log and snapshots, and never drops a count" redis_is_durable
claim --stops "a proxy is believed once it is named as trusted, and only its own word" trusted_proxy_believed
[ -z "$prod" ] || claim --stops "a new certificate is taken, and no connection dropped" new_certificate_taken
[ -z "$prod" ] || claim --stops "other passwords cost no request, and end the old ones" new_passwords_cost_nothing
[ -n "$dev" ] || claim --stops "more replicas share the load without a reload" replicas_share_the_load
claim --stops "a replaced app container is found without a reload" replaced_app_is_found
[ -n "$dev" ] || claim --stops "a replica killed under load: every request is answered, each is counted once" killed_replica_costs_nothing
claim --stops "without the app, Nginx answers a 502 or 504 problem" gone_app_is_a_problem
claim --stops "without Redis: 503 within two seconds, alive, and well again by itself" gone_redis_is_503
claim "a damaged backup is refused, and nothing touched" damaged_backup_refused
[ -n "$dev" ] || claim "a backup goes into a stack that was never started" backup_goes_anywhere
claim --stops "a backup brings back the counts of all and of each page, also after a restart" backup_goes_back
claim --stops "docker compose down and up keeps the count" down_and_up_keeps_the_count
[ -z "$list" ] || exit 0

echo "1..$number"
[ "$failed" = 0 ] || { echo "# $failed of $number claims do not hold"; exit 1; }
