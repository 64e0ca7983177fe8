# shellcheck shell=bash
# Checks of Redis: what each user may do, and what is kept.

refused() { # USER COMMAND…
  local said
  said=$(redis_as "$@" 2>&1)
  grep -q -e NOPERM -e NOAUTH -e WRONGPASS <<<"$said" || complain "$* was not refused: $said"
}
# Each line of the input is a command, and Redis must say that this user may not do it.
refused_all() { # USER
  # shellcheck disable=SC2016 # the container's shell expands it
  docker compose exec -T -e "REDISCLI_AUTH=$(redis_password "$1")" redis sh -c '
    asked=0
    while read -r command; do
      asked=$((asked + 1))
      said=$(timeout 5 redis-cli --user "$0" $command 2>&1 </dev/null)
      case $said in
        *NOPERM*) ;;
        *)
          echo "$0 was not refused: $command: $said"
          exit 1
          ;;
      esac
    done
    [ $asked -gt 0 ]' "$1"
}

acl_default_off() { refused default ping; }
# counter:begin app
acl_app_can_count() {
  [ "$(redis_as app ping)" = PONG ] && redis_as app get visit_count >/dev/null
}
acl_app_keys() {
  # What it may do, but to keys that are not its own.
  refused_all app <<'END' || return
get other
mget visit_count other
exists other
pttl other
hgetall other
hmget other a
hexists other a
hlen other
zscore other a
zcard other
zrange other 0 1
pfcount other
evalsha 0123456789012345678901234567890123456789 1 other
hset other a b
hincrby other a 1
incrby other 1
zadd other 1 a
pfadd other a
publish other a
subscribe other
END
  # What it may do to some of its keys, but to the others: a count is never set, removed or given an
  # end.
  local key
  for key in visit_count tally:pages tally:minute:1 tally:seen:1 tally:visitors:1; do
    printf '%s\n' "set $key 1" "del $key"
  done | refused_all app &&
    for key in visit_count tally:pages tally:cache:a tally:seen:1; do
      printf '%s\n' "expire $key 1" "pexpire $key 1"
    done | refused_all app &&
    for key in visit_count tally:pages tally:cache:a tally:session:a tally:minute:1; do
      echo "unlink $key"
    done | refused_all app
}
acl_app_commands() {
  refused_all app <<'END'
flushall
flushdb
keys tally
scan 0
dbsize
rename visit_count tally:a
persist visit_count
setex tally:cache:a 1 a
incr visit_count
decrby visit_count 1
getdel visit_count
zrem tally:pages a
zrem tally:session:a a
hdel tally:session:a a
lpush tally:a a
script load return(1)
script flush
function list
config get dir
config set dir /tmp
acl list
acl whoami
client list
client kill type normal
monitor
slowlog get
latency latest
memory usage visit_count
module list
save
bgsave
bgrewriteaof
lastsave
shutdown
replicaof no one
psync a 1
migrate 127.0.0.1 1 visit_count 0 1
dump visit_count
restore tally:a 0 a
swapdb 0 1
END
}
# counter:end
acl_health() {
  redis_as health ping | found PONG && redis_as health info memory | found used_memory &&
    refused_all health <<'END'
get visit_count
set visit_count 1
exists tally:pages
publish tally:events a
subscribe tally:events
keys tally
dbsize
bgsave
config get dir
acl whoami
client list
eval return(1) 0
flushall
shutdown
END
}
acl_operator() {
  # It says so, and ends with 1, where no script runs.
  answer=$(redis_as operator script kill 2>&1)
  has NOTBUSY || return
  redis_as operator slowlog get 1 >/dev/null && redis_as operator get visit_count >/dev/null &&
    refused_all operator <<'END'
set visit_count 1
incrby visit_count 1
del visit_count
expire visit_count 1
zadd tally:pages 1 a
rename visit_count a
sort tally:pages store a
publish tally:events a
subscribe tally:events
eval return(1) 0
script flush
slowlog reset
latency reset
client kill type normal
client pause 1
acl list
acl setuser a
acl deluser a
config get dir
config set maxmemory 1
bgsave
bgrewriteaof
flushall
replicaof no one
shutdown
END
}
acl_backup() {
  redis_as backup ping | found PONG &&
    redis_as backup info persistence | found rdb_last_bgsave_status && refused_all backup <<'END'
get visit_count
set visit_count 1
dump visit_count
del visit_count
exists tally:pages
publish tally:events a
subscribe tally:events
keys tally
scan 0
dbsize
save
bgrewriteaof
config get dir
config set dir /tmp
acl whoami
client list
monitor
psync a 1
replicaof no one
eval return(1) 0
flushall
shutdown
END
}
# As a Redis says that was started with conf/redis.conf: the operator of the stack's own may not ask
# it.
redis_keeps_its_bounds() {
  local container memory limit
  container=$(docker run -d --network none --read-only --tmpfs /tmp --user 999:1000 \
    -v "$PWD/conf/redis.conf:/redis.conf:ro" --entrypoint redis-server \
    "$(inspect redis '{{.Config.Image}}')" /redis.conf --aclfile "" --dir /tmp) || return
  # shellcheck disable=SC2064 # of this container
  trap "docker rm -fv $container >/dev/null" RETURN
  within 10 docker exec "$container" redis-cli -e ping ||
    complain "$(docker logs "$container" 2>&1 | tail -n 3)" || return
  answer=$(docker exec "$container" redis-cli config get '*' | paste -d' ' - -)
  # On disk within a second, in snapshots, and with the time in the log.
  has '^appendonly yes$' && has '^appendfsync everysec$' &&
    has '^save 3600 1 300 100 60 10000$' && has '^aof-timestamp-enabled yes$' || return
  # A client that reads nothing, sends no end, or takes too much with others; a script without end.
  has '^client-output-buffer-limit normal 8388608 4194304 10 .*pubsub 8388608 4194304 10$' &&
    has '^client-query-buffer-limit 4194304$' &&
    has '^proto-max-bulk-len 1048576$' && has '^maxmemory-clients 16777216$' &&
    has '^lua-time-limit 500$' || return
  has '^lazyfree-lazy-expire yes$' && has '^lazyfree-lazy-eviction yes$' &&
    has '^lazyfree-lazy-server-del yes$' || return
  # Half of what its container has: a snapshot needs room beside the data.
  memory=$(sed -n 's/^maxmemory //p' <<<"$answer")
  limit=$(inspect redis '{{.HostConfig.Memory}}')
  ((memory > 0 && 2 * memory <= limit)) || complain "maxmemory $memory of $limit"
}
redis_is_durable() {
  answer=$(redis_as health info)
  has '^aof_enabled:1' && has '^rdb_last_bgsave_status:ok' &&
    has '^maxmemory_policy:volatile-ttl' && has '^maxmemory:[1-9]'
}
