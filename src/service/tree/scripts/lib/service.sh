# shellcheck shell=bash
# What the scripts must know of this service, and of no other.
# shellcheck disable=SC2034,SC2154 # each uses a part of it, and says whom it asks

# Addresses that answer at once, and those for which nginx.conf has rules of their own.
answering=(/ /api/entries)
ruled=()
# It asks Redis and writes nothing; a POST to the other is refused.
readable=/api/entries
malformed=/api/entries
# How one writes, and how it is answered.
write=(-H "Content-Type: application/json" -d '{"name":"smoke","text":"smoke"}')
write_path=/api/entries
written=201
# What writes, whatever body comes with it, and what does not.
writing=()
reading=("GET /" "POST /api/entries" "GET /api/entries")
# Where the answer to / gets its message from.
routes=src/main/java/tally/entries/EntryRoutes.java
greeting='new Welcome(message,'
# Writes have a smaller limit than reads.
load=$((${load:-0} / 3))

# The number that grows by one with each write.
total() {
  "${curl[@]}" -fsS -m 10 --retry 5 --retry-all-errors "$url/" | grep -o '[0-9]*}$' | tr -d '}'
}
# What a Redis holds, in a line for a person; its first number is the total.
held() { # REDIS-CLI…
  local number
  number=$("$@" get '{tally}:number') && echo "entries: ${number:-0}"
}
