//! The commands of Redis 7.2 that fanfare does not have, by category.
//!
//! Layer `acl`. A plain table.
//!
//! Rules may name these commands, and categories include them, as in Redis. So neither a file of
//! users nor the rules that a client library sends need to be changed for fanfare. No request can
//! run these commands. Rules about them are kept, so they survive when a file goes back to Redis.

/// Categories, and the names of the commands in them. A command that fanfare has itself is ignored
/// here.
pub(crate) const REDIS_ONLY: &[(&str, &str)] = &[
    ("keyspace read slow", "dump"),
    (
        "keyspace write slow dangerous",
        "migrate restore restore-asking",
    ),
    ("write hyperloglog admin slow dangerous", "pfdebug"),
    (
        "write slow scripting",
        "function|delete function|flush function|load function|restore",
    ),
    ("hyperloglog admin slow dangerous", "pfselftest"),
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
    ("slow blocking connection", "waitaof"),
    ("fast connection", "asking readonly readwrite"),
    (
        "slow",
        "cluster cluster|countkeysinslot cluster|getkeysinslot cluster|help \
         cluster|info cluster|keyslot cluster|links cluster|myid cluster|myshardid cluster|nodes \
         cluster|shards cluster|slots function memory|doctor \
         memory|malloc-stats memory|purge memory|stats module module|help \
         script",
    ),
    (
        "slow scripting",
        "eval eval_ro evalsha evalsha_ro fcall fcall_ro function|dump function|help \
         function|kill function|list function|stats script|debug script|exists \
         script|flush script|help script|kill script|load",
    ),
];
