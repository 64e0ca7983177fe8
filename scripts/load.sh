#!/usr/bin/env bash
# load.sh: compiles the load programs of src/load, where they are newer than what was compiled, and
# prints the class path with which Java runs them. Builds Tally first: some use its classes.
set -euo pipefail
. "$(dirname "$0")/lib/command.sh"

cd "$(dirname "$0")/.."
scripts/run.sh --build >&2
made=target/load/made
if [ ! -e "$made" ] ||
  [ -n "$(find src/load target/tally.jar -newer "$made" -type f -print -quit)" ]; then
  javac=$(dirname "$(scripts/java.sh)")/javac
  "$javac" -cp "target/classes:target/lib/*:target/test-lib/*" -d target/load \
    src/load/java/tally/load/*.java
  touch "$made"
fi
echo "target/load:target/classes:target/lib/*"
