# shellcheck shell=bash
# cert.sh, ended at a step: key, certificate and names must always fit.
all+=" cert_new cert_force cert_names"

certs=conf/prod/certs names_file=conf/prod/nginx/http/names-made-by-scripts-cert.sh.conf
# Key and certificate belong together, the names are the certificate's, and Compose finds that all
# is there.
certificate_works() { # HOST
  local live=$certs/live
  cmp -s <(openssl x509 -in $live/certificate.pem -noout -pubkey) \
    <(openssl pkey -in $live/key.pem -pubout) ||
    complain "the key is not that of the certificate" || return
  openssl x509 -in $live/certificate.pem -noout -ext subjectAltName | grep -q "DNS:$1" ||
    complain "the certificate is not for $1" || return
  # shellcheck disable=SC2016 # a variable of Nginx'
  grep -qF "  $1 \$host;" $names_file && grep -qx '}' $names_file ||
    complain "the names are: $(cat $names_file)" || return
  [ -e $certs/made-by-scripts-cert.sh.yaml ] && [ -e $certs/names-made-by-scripts-cert.sh.yaml ] ||
    complain "Compose would not find it" || return
  [ -z "$(find conf/prod -name '*.new')" ] || complain "left: $(find conf/prod -name '*.new')"
}
no_certificate() { rm -rf $certs $names_file; }
certificate() {
  no_certificate
  scripts/cert.sh "$1" >"$work/said" 2>&1
}

cert_new_before() { no_certificate; }
cert_new_run() { as_a_leader scripts/cert.sh a.example; }
cert_new_after() { :; }
cert_new_again() {
  { scripts/cert.sh a.example >"$work/said" 2>&1 || says '--force'; } &&
    certificate_works a.example
}

cert_force_before() { certificate a.example; }
cert_force_run() { as_a_leader scripts/cert.sh --force a.example b.example; }
cert_force_after() { :; }
# As Compose would be started next, and then as it was meant.
cert_force_again() {
  { scripts/cert.sh >"$work/said" 2>&1 || says '--force'; } && certificate_works a.example &&
    scripts/cert.sh --force a.example b.example >"$work/said" 2>&1 && certificate_works b.example
}

cert_names_before() {
  certificate a.example
  cp $names_file "$work/names"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
    -subj /CN=c.example -addext subjectAltName=DNS:c.example -keyout $certs/live/key.pem \
    -out $certs/live/certificate.pem 2>/dev/null
}
cert_names_run() { as_a_leader scripts/cert.sh --names; }
cert_names_after() { cmp -s "$work/names" $names_file || certificate_works c.example; }
cert_names_again() { scripts/cert.sh --names >"$work/said" 2>&1 && certificate_works c.example; }
