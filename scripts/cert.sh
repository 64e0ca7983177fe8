#!/usr/bin/env bash
# cert.sh [--force] [HOST…]: makes a self-signed certificate for the production stack, for a try or until the real one is there.
#
# For HOST… and localhost; in conf/prod/certs/live (certificate.pem, key.pem), inside a folder that you alone can open.
# A browser warns of it. A certificate that is there is kept; --force replaces it. The real one, from Let's Encrypt by certbot, while the stack runs:
#
#   certbot certonly --webroot -w conf/prod/acme -d HOST
#   cp /etc/letsencrypt/live/HOST/fullchain.pem conf/prod/certs/live/certificate.pem
#   cp /etc/letsencrypt/live/HOST/privkey.pem conf/prod/certs/live/key.pem && chmod 0444 conf/prod/certs/live/key.pem
#   docker compose --env-file conf/prod/.env exec nginx nginx -s reload
#
# The reload drops no connection. Put the last three into certbot's --deploy-hook to have them done at each renewal.
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

force=""
if [ "${1:-}" = --force ]; then force=yes; shift; fi
command -v openssl >/dev/null || { echo "cert.sh: openssl is not installed (your system's package openssl)" >&2; exit 1; }
cd "$(dirname "$0")/.."
certs=conf/prod/certs
if [ -e "$certs/live/key.pem" ] && [ -z "$force" ]; then
  echo "cert.sh: $certs/live has a certificate already; --force replaces it" >&2
  exit 1
fi
mkdir -p "$certs/live" conf/prod/acme
chmod 0700 "$certs"
chmod 0755 "$certs/live" conf/prod/acme
names=DNS:localhost,IP:127.0.0.1
for host; do
  [[ $host =~ ^[A-Za-z0-9.-]+$ ]] || { echo "cert.sh: '$host' is not a host name" >&2; exit 2; }
  names+=,DNS:$host
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=${1:-localhost}" \
  -addext "subjectAltName=$names" -keyout "$certs/live/key.pem.new" -out "$certs/live/certificate.pem.new" 2>/dev/null
chmod 0444 "$certs/live/"*.new
mv -f "$certs/live/key.pem.new" "$certs/live/key.pem"
mv -f "$certs/live/certificate.pem.new" "$certs/live/certificate.pem"
echo "# Made by scripts/cert.sh: the certificate is there.
services: {}" >"$certs/made-by-scripts-cert.sh.yaml"
echo "Made $certs/live/certificate.pem for $names, self-signed, for 90 days."
