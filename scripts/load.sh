#!/usr/bin/env bash
# load.sh: compiles the load programs of src/load, where they are newer than what was compiled, and prints the class path
# with which Java runs them. Builds Tally first, whose classes some of them use.
set -euo pipefail
[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'; exit 0; }

cd "$(dirname "$0")/.."
scripts/run.sh --build >&2
made=target/load/made
if [ ! -e "$made" ] || [ -n "$(find src/load target/tally.jar -newer "$made" -type f -print -quit)" ]; then
  javac=$(dirname "$(scripts/java.sh)")/javac
  "$javac" -cp "target/classes:target/lib/*" -d target/load src/load/java/tally/load/*.java
  touch "$made"
fi
echo "target/load:target/classes:target/lib/*"
