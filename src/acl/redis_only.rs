//! The commands of Redis 7.0 that fanfare does not have, by category.
//!
//! No rule may name them, yet `+@read` and `-@dangerous` mean them too. They are counted when a
//! selector's commands are described, so that fanfare finds the same categories in them as Redis
//! does, and a rule such as `-@scripting`, which changes nothing here, is still there when the file
//! goes back to a Redis.

/// Categories, and the names of the commands in them. A command that fanfare comes to have is passed
/// over here.
pub(super) const REDIS_ONLY: &[(&str, &str)] = &[
    ("keyspace read slow", "dump"),
    (
        "keyspace write slow dangerous",
        "migrate restore restore-asking",
    ),
    ("read set fast", "scard sismember smismember"),
    (
        "read set slow",
        "sdiff sinter sintercard smembers srandmember sscan sunion",
    ),
    (
        "read sortedset fast",
        "zcard zcount zlexcount zmscore zrank zrevrank zscore",
    ),
    (
        "read sortedset slow",
        "zdiff zinter zintercard zrandmember zrange zrangebylex zrangebyscore zrevrange \
         zrevrangebylex zrevrangebyscore zscan zunion",
    ),
    ("read hash fast", "hexists hget hlen hmget hstrlen"),
    ("read hash slow", "hgetall hkeys hrandfield hscan hvals"),
    ("read string slow", "lcs"),
    ("read bitmap fast", "bitfield_ro getbit"),
    ("read bitmap slow", "bitcount bitpos"),
    ("read hyperloglog slow", "pfcount"),
    (
        "read geo slow",
        "geodist geohash geopos georadius_ro georadiusbymember_ro geosearch",
    ),
    ("read stream fast", "xlen"),
    (
        "read stream slow",
        "xinfo|consumers xinfo|groups xinfo|stream xpending xrange xrevrange",
    ),
    ("read stream slow blocking", "xread"),
    ("write set fast", "sadd smove spop srem"),
    ("write set slow", "sdiffstore sinterstore sunionstore"),
    ("write sortedset fast", "zadd zincrby zpopmax zpopmin zrem"),
    ("write sortedset fast blocking", "bzpopmax bzpopmin"),
    (
        "write sortedset slow",
        "zdiffstore zinterstore zmpop zrangestore zremrangebylex zremrangebyrank \
         zremrangebyscore zunionstore",
    ),
    ("write sortedset slow blocking", "bzmpop"),
    (
        "write hash fast",
        "hdel hincrby hincrbyfloat hmset hset hsetnx",
    ),
    ("write bitmap slow", "bitfield bitop setbit"),
    ("write hyperloglog admin slow dangerous", "pfdebug"),
    ("write hyperloglog fast", "pfadd"),
    ("write hyperloglog slow", "pfmerge"),
    (
        "write geo slow",
        "geoadd georadius georadiusbymember geosearchstore",
    ),
    (
        "write stream fast",
        "xack xadd xautoclaim xclaim xdel xsetid",
    ),
    (
        "write stream slow",
        "xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy \
         xgroup|setid xtrim",
    ),
    ("write stream slow blocking", "xreadgroup"),
    (
        "write slow scripting",
        "function|delete function|flush function|load function|restore",
    ),
    ("hyperloglog admin slow dangerous", "pfselftest"),
    ("stream slow", "xgroup|help xinfo|help"),
    ("admin fast dangerous", "lastsave role"),
    (
        "admin slow dangerous",
        "bgrewriteaof bgsave cluster|addslots cluster|addslotsrange cluster|bumpepoch \
         cluster|count-failure-reports cluster|delslots cluster|delslotsrange \
         cluster|failover cluster|flushslots cluster|forget cluster|meet \
         cluster|replicas cluster|replicate cluster|reset cluster|saveconfig \
         cluster|set-config-epoch cluster|setslot cluster|slaves failover \
         module|list module|load module|loadex module|unload psync replconf replicaof save \
         slaveof sync",
    ),
    ("fast connection", "asking readonly readwrite"),
    (
        "slow",
        "cluster cluster|countkeysinslot cluster|getkeysinslot cluster|help \
         cluster|info cluster|keyslot cluster|links cluster|myid cluster|nodes \
         cluster|shards cluster|slots function memory|doctor \
         memory|malloc-stats memory|purge memory|stats module module|help script \
         xgroup xinfo",
    ),
    (
        "slow scripting",
        "eval eval_ro evalsha evalsha_ro fcall fcall_ro function|dump function|help \
         function|kill function|list function|stats script|debug script|exists \
         script|flush script|help script|kill script|load",
    ),
];
