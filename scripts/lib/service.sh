# shellcheck shell=bash
# What the scripts must know of this service, and of no other.
# shellcheck disable=SC2034,SC2154 # each uses a part of it, and says whom it asks

# Addresses that answer at once, and those for which nginx.conf has rules of their own.
answering=(/ /api/visits /api/stats /api/session /badge/smoke.svg)
ruled=(/api/session /api/stats /api/events)
# It asks Redis and writes nothing; a POST to the other is refused.
readable=/api/visits
malformed=/api/visits/smoke%07
# How one writes, and how it is answered.
write=() write_path=/ written=200
# What writes, whatever body comes with it, and what does not.
writing=("GET /" "POST /api/visits/smoke")
reading=("PUT /api/session" "GET /api/stats")
# Where the answer to / gets its message from.
routes=src/main/java/tally/web/Routes.java
greeting='new Counted(message,'

# The number that grows by one with each write.
total() {
  "${curl[@]}" -fsS -m 10 --retry 5 --retry-all-errors "$url/api/visits" | grep -o '[0-9]*'
}
# What a Redis holds, in a line for a person; its first number is the total.
held() { # REDIS-CLI…
  local visits pages
  visits=$("$@" get visit_count) && pages=$("$@" zcard tally:pages) &&
    echo "visits: ${visits:-0}, pages: $pages"
}
