#!/bin/sh
# nginx.sh [FLAG…]: what Nginx' container starts (compose.yaml). Writes what only the machine knows,
# then becomes Nginx: as process 1, so that signals reach it. Flags go to Nginx; with -t it looks at
# the configuration, and ends.
#
# In /tmp/start, all of it included by nginx.conf and conf/*/nginx:
#   resolver.conf   who is asked for the app's addresses: the name servers of /etc/resolv.conf.
#                   Docker's is 127.0.0.11; Podman, Swarm and Kubernetes have others.
#   replicas.conf   which name is asked for: that of the variable APP (app:5000).
#   app.conf        the same as $app_address, for a request that is begun once more.
#   proxies.conf    whose word counts about the client's address and about TLS: the proxies in front
#                   that the variable TRUSTED_PROXIES names, by address or range (192.0.2.1
#                   10.0.0.0/8).
#   base-path.conf  under which path of the site Tally is: that of the variable BASE_PATH (/tally),
#                   empty at its root.
#   origins.conf    which other sites may read counts in a browser: those of the variable
#                   COUNTING_SITES, any where it is empty.
#   ipv6-*.conf     that a port is listened on over IPv6 as well; nothing where the kernel has no
#                   IPv6.
# For any image of Nginx with a shell and awk; no root, and nothing written but to /tmp.
set -eu
[ "${1:-}" != --help ] || {
  sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'
  exit 0
}

fail() {
  echo "nginx.sh: $*" >&2
  exit 1
}
start=/tmp/start
mkdir -p "$start"

# An IPv6 address goes into brackets; one of a single link (%eth0) is nothing that Nginx can ask.
servers=$(awk '$1 == "nameserver" && $2 !~ /%/ { printf " %s", ($2 ~ /:/ ? "[" $2 "]" : $2) }' \
  /etc/resolv.conf)
[ -n "$servers" ] || fail "/etc/resolv.conf names no name server, so the app can't be found"
echo "resolver$servers valid=2s ipv6=off;" >"$start/resolver.conf"

app=${APP:-app:5000}
case $app in
  *[!A-Za-z0-9._:-]* | *:*:* | :* | *:)
    fail "APP: '$app' is not a name and a port such as app:5000"
    ;;
  *:*) ;;
  *) app=$app:5000 ;;
esac
# None is ever taken for dead: least_conn avoids one that does not answer, and DNS forgets it within
# 2 s.
echo "server $app resolve max_fails=0;" >"$start/replicas.conf"
echo "map \$uri \$app_address { default $app; }" >"$start/app.conf"

proxies=$(echo "${TRUSTED_PROXIES:-}" | tr ',' ' ')
case $proxies in
  *[!0-9a-fA-F.:/\ ]*)
    fail "TRUSTED_PROXIES: '$proxies' are not addresses or ranges such as 192.0.2.1 10.0.0.0/8"
    ;;
esac
{
  # By the address of the connection itself. What others say of TLS is nothing.
  echo "geo \$realip_remote_addr \$from_proxy { default 0;"
  for proxy in $proxies; do
    echo "  $proxy 1;"
  done
  echo "}"
  # The last address of the list that is none of the proxies'.
  for proxy in $proxies; do
    echo "set_real_ip_from $proxy;"
  done
  [ -z "$proxies" ] || printf 'real_ip_header X-Forwarded-For;\nreal_ip_recursive on;\n'
} >"$start/proxies.conf"

base=${BASE_PATH:-}
base=${base%/}
case $base/ in
  *[!A-Za-z0-9/._-]* | *//* | */.* | [!/]*)
    fail "BASE_PATH: '$BASE_PATH' is not a path such as /tally"
    ;;
  # Some requests that come without it begin like these.
  /api/* | /badge/* | /dev/* | /health/* | /nginx/* | /static/*)
    fail "BASE_PATH: '$BASE_PATH' is one of Tally's own addresses"
    ;;
esac
if [ -n "$base" ]; then
  # A proxy in front takes it away, or passes it on; what Nginx says of itself is not under it. Then
  # all is as at the root: addresses, limits, log. The page's own are relative, so it has to end in
  # a slash.
  cat <<END
rewrite "(?s)\A$(echo "$base" | sed 's/[.]/\\&/g')(/(?!nginx/).*)\z" \$1;
location = $base {
  absolute_redirect off;
  return 301 $base/\$is_args\$args;
}
proxy_cookie_path / $base/;
END
fi >"$start/base-path.conf"

# counter:begin
sites=$(echo "${COUNTING_SITES:-}" | tr ',' ' ')
case $sites in
  *[!a-z0-9.:\ -]*)
    fail "COUNTING_SITES: '$sites' are not sites such as blog.example shop.example, in lower case"
    ;;
esac
{
  echo "map \$http_origin \$origin_allowed {"
  for site in $sites; do
    echo "  \"~*^https?://$(echo "$site" | sed 's/[.]/[.]/g')$\" \$http_origin;"
  done
  if [ -n "$(echo "$sites" | tr -d ' ')" ]; then
    echo '  default "";'
  else
    echo '  default "*";'
  fi
  echo "}"
} >"$start/origins.conf"
# counter:end

echo "listen [::]:8080 default_server;" >"$start/ipv6-http.conf"
echo "listen [::]:8443 ssl default_server;" >"$start/ipv6-https.conf"
# On a kernel without IPv6 Nginx would end at these lines, so it is asked first.
if ! nginx -t -q 2>/dev/null; then
  : >"$start/ipv6-http.conf"
  : >"$start/ipv6-https.conf"
fi

exec nginx -g "daemon off;" "$@"
