#!/usr/bin/env bash
# bots.sh [VERSION]: renews the list of bots, whose visits are not counted, from npm's package
# crawler-user-agents.
#
# Writes src/main/resources/bots.txt: the version, the license, and a regular expression a line.
# Without a version it takes the newest. Needs npm and node. What shows an image to a person is no
# bot and is left out: GitHub's proxy.
set -euo pipefail
if [ "${1:-}" = --help ]; then
  sed -n '2,/^set/{/^set/!p}' "$0" | sed 's/^# \{0,1\}//'
  exit 0
fi
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "crawler-user-agents@${1:-latest}" >/dev/null
tar -xzf "$work"/crawler-user-agents-*.tgz -C "$work"
node - "$work/package" >"$work/bots.txt" <<'END'
const { readFileSync } = require("node:fs");
const folder = process.argv[2];
const version = JSON.parse(readFileSync(`${folder}/package.json`)).version;
const bots = JSON.parse(readFileSync(`${folder}/crawler-user-agents.json`));
const license = readFileSync(`${folder}/LICENSE`, "utf8").trim();
console.log(`# From crawler-user-agents ${version}, made by scripts/bots.sh`);
license.split("\n").forEach(line => console.log(`# ${line}`.trim()));
const patterns = bots.map(bot => bot.pattern).filter(pattern => pattern !== "github-camo");
if (patterns.length < 500) throw new Error(`only ${patterns.length} patterns`);
[...new Set(patterns)].sort().forEach(pattern => console.log(pattern));
END
mv "$work/bots.txt" src/main/resources/bots.txt
echo "src/main/resources/bots.txt: $(grep -vc '^#' src/main/resources/bots.txt) patterns"
