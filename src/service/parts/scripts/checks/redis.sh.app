acl_app_can_count() {
  [ "$(redis_as app ping)" = PONG ] && redis_as app get '{tally}:number' >/dev/null
}
acl_app_keys() {
  # What it may do, but to keys that are not its own.
  refused_all app <<'END' || return
get other
lrange other 0 1
incr other
lpush other a
ltrim other 0 1
evalsha 0123456789012345678901234567890123456789 1 other
END
  # What it may do to some of its keys, but to the others.
  refused_all app <<'END'
set {tally}:number 1
set {tally}:entries a
unlink {tally}:number
unlink {tally}:entries
unlink {tally}:seen:a
END
}
acl_app_commands() {
  refused_all app <<'END'
flushall
flushdb
keys *
scan 0
dbsize
del {tally}:entries
rename {tally}:entries {tally}:a
expire {tally}:number 1
lset {tally}:entries 0 a
lrem {tally}:entries 0 a
script load return(1)
script flush
function list
config get dir
config set dir /tmp
acl list
client list
monitor
slowlog get
save
bgsave
bgrewriteaof
shutdown
replicaof no one
dump {tally}:entries
restore {tally}:a 0 a
swapdb 0 1
END
}
