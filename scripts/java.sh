#!/usr/bin/env bash
# java.sh: prints the path of a java of version 25 or newer on this machine, for the other scripts.
#
# Looks at JAVA25_HOME, JAVA_HOME, the PATH, and where systems keep their JDKs. Exit status 1, and
# what to install, where there is none.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

on_the_path=$(command -v java || true)
for java in "${JAVA25_HOME:-/none}/bin/java" "${JAVA_HOME:-/none}/bin/java" "$on_the_path" \
  /usr/lib/jvm/*/bin/java /opt/java/*/bin/java "$HOME"/.sdkman/candidates/java/*/bin/java \
  /Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java; do
  [ -x "$java" ] || continue
  version=$("$java" -XshowSettings:properties -version 2>&1 |
    sed -n 's/^ *java.specification.version = //p')
  if [ "${version%%.*}" -ge 25 ] 2>/dev/null; then
    echo "$java"
    exit 0
  fi
done
fail "no Java 25 on this machine. Install a JDK 25 (Temurin 25 from https://adoptium.net, or your" \
  "system's openjdk-25-jdk), or name one in JAVA25_HOME"
