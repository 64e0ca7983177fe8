#!/usr/bin/env bash
# cert.sh [--force] [HOST…]: makes a self-signed certificate for the production stack, for a try or
# until the real one is there.
#
# For HOST… and localhost; in conf/prod/certs/live (certificate.pem, key.pem), inside a folder that
# you alone can open. A browser warns of it. A certificate that is there is kept; --force replaces
# it. The stack answers to the names in its certificate, and to no other: the first is where HTTP is
# redirected to. After a certificate of your own was put there, `cert.sh --names` takes its names
# over. What was interrupted, also by kill -9, the next cert.sh finishes.
#
# The real one, from Let's Encrypt by certbot, while the stack runs:
#
#   certbot certonly --webroot -w conf/prod/acme -d HOST
#   cp /etc/letsencrypt/live/HOST/fullchain.pem conf/prod/certs/live/certificate.pem
#   cp /etc/letsencrypt/live/HOST/privkey.pem conf/prod/certs/live/key.pem
#   chmod 0444 conf/prod/certs/live/key.pem
#   scripts/cert.sh --names
#   docker compose --env-file conf/prod/.env exec -T nginx nginx -s reload
#
# The reload drops no connection. Put the last five into certbot's --deploy-hook to have them done
# at each renewal.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

force="" names_only=""
case ${1:-} in
  --force)
    force=yes
    shift
    ;;
  --names)
    names_only=yes
    shift
    ;;
esac
command -v openssl >/dev/null || fail "openssl is not installed (your system's package openssl)"
cd "$(dirname "$0")/.."
certs=conf/prod/certs
names_file=conf/prod/nginx/http/names-made-by-scripts-cert.sh.conf
# The names in the certificate, for Nginx; the first of them stands in for a request that names
# none.
write_names() {
  local names
  names=$(openssl x509 -in "$certs/live/certificate.pem" -noout -ext subjectAltName |
    grep -o -E '(DNS|IP Address):[A-Za-z0-9.*-]+' | sed 's/.*://')
  [ -n "$names" ] || fail "$certs/live/certificate.pem is for no name"
  {
    echo "# Made by scripts/cert.sh from the certificate: the names that this stack answers to."
    echo "map \$host \$own_name {"
    echo "  hostnames;"
    echo '  default "";'
    echo "  _ $(grep -v -F "*" <<<"$names" | head -n 1);"
    # shellcheck disable=SC2001,SC2016 # a line for each, with a variable of Nginx'
    sed 's/.*/  & $host;/' <<<"$names"
    echo "}"
  } >"$names_file.new"
  mv -f "$names_file.new" "$names_file"
  echo "# Made by scripts/cert.sh: $names_file is there.
services: {}" >"$certs/names-made-by-scripts-cert.sh.yaml"
}
is_of_key() { # CERTIFICATE
  local public
  public=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) &&
    [ "$public" = "$(openssl pkey -in "$certs/live/key.pem" -pubout 2>/dev/null)" ]
}
# A key whose certificate did not come to its place, since that was interrupted.
if [ -e "$certs/live/key.pem" ] && ! is_of_key "$certs/live/certificate.pem" &&
  is_of_key "$certs/live/certificate.pem.new"; then
  mv -f "$certs/live/certificate.pem.new" "$certs/live/certificate.pem"
fi
rm -f "$certs/live/"*.new
if [ -n "$names_only" ]; then
  [ -e "$certs/live/certificate.pem" ] ||
    fail "there is no $certs/live/certificate.pem; scripts/cert.sh HOST makes one"
  write_names
  exit 0
fi
made() {
  echo "# Made by scripts/cert.sh: the certificate is there.
services: {}" >"$certs/made-by-scripts-cert.sh.yaml"
}
if [ -e "$certs/live/key.pem" ] && [ -z "$force" ]; then
  is_of_key "$certs/live/certificate.pem" ||
    fail "$certs/live/key.pem is not the key of certificate.pem there;" \
      "put the right one there, or --force makes both anew"
  # What Compose looks for, and the names, where they are not made yet.
  status=0
  [ ! -e "$certs/made-by-scripts-cert.sh.yaml" ] ||
    [ ! -e "$certs/names-made-by-scripts-cert.sh.yaml" ] || status=1
  made
  write_names
  echo "$command: $certs/live has a certificate already, which stays (--force replaces it);" \
    "its names are in $names_file" >&2
  exit "$status"
fi
mkdir -p "$certs/live" conf/prod/acme
chmod 0700 "$certs"
chmod 0755 "$certs/live" conf/prod/acme
names=""
for host; do
  [[ $host =~ ^[A-Za-z0-9.-]+$ ]] || misuse "'$host' is not a host name"
  names+=DNS:$host,
done
names+=DNS:localhost,IP:127.0.0.1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
  -subj "/CN=${1:-localhost}" -addext "subjectAltName=$names" -keyout "$certs/live/key.pem.new" \
  -out "$certs/live/certificate.pem.new" 2>/dev/null
chmod 0444 "$certs/live/"*.new
mv -f "$certs/live/key.pem.new" "$certs/live/key.pem"
mv -f "$certs/live/certificate.pem.new" "$certs/live/certificate.pem"
made
write_names
echo "Made $certs/live/certificate.pem for $names, self-signed, for 90 days."
