#!/usr/bin/env bash
# For PIT, which knows no toolchains and would start its processes with the Java that Maven itself runs on.
set -euo pipefail
java=$("$(dirname "$0")/../../../scripts/java.sh")
exec "$java" "$@"
