//! The handler of each command.
//!
//! Layer `command`. It may use `state` and what lies below. The specifications are in the
//! [catalog](crate::catalog). If a name is only here or only there, the first request panics.

use std::sync::LazyLock;

#[cfg(feature = "scripts")]
use super::script;
use super::{Args, Context};
use super::{
    acl, blocking, client, config, connection, expiry, introspect, keys, latency, list, memory,
    object, operators, pubsub, questions, scan, server, slowlog, sort, sorted_set, standalone,
    string, tracking, transaction, wait,
};
use super::{bitmap, geo, hyperloglog};
use super::{hash, set, stream};
use crate::catalog::{CATALOG, Command};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use Handler::{Full, OnKeys, Streams};

/// The function that executes a command. It returns a reply or an error. Neither closes the
/// connection.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Needs the connection or the server.
    Full(fn(&mut Context<'_>, &Args<'_>) -> Result<Reply, CommandError>),
    /// Needs only the keys of the selected database.
    OnKeys(fn(&mut Keys<'_>, &Args<'_>) -> Result<Reply, CommandError>),
    /// As [`OnKeys`], and writes the reply itself, without copying the values first.
    Streams(fn(&mut Keys<'_>, &mut ReplyWriter<'_>, &Args<'_>) -> Result<Reply, CommandError>),
}

impl Handler {
    /// Runs the function.
    pub(crate) fn run(
        self,
        context: &mut Context<'_>,
        args: &Args<'_>,
    ) -> Result<Reply, CommandError> {
        match self {
            Handler::Full(function) => function(context, args),
            Handler::OnKeys(function) => function(&mut context.keys().0, args),
            Handler::Streams(function) => {
                let (mut keys, mut out) = context.keys();
                function(&mut keys, &mut out, args)
            }
        }
    }
}

/// The handlers by the full names of their commands.
const HANDLERS: &[(&str, Handler)] = &[
    // pubsub
    ("publish", Full(pubsub::publish)),
    ("spublish", Full(pubsub::spublish)),
    ("subscribe", Full(pubsub::subscribe)),
    ("psubscribe", Full(pubsub::psubscribe)),
    ("ssubscribe", Full(pubsub::ssubscribe)),
    ("unsubscribe", Full(pubsub::unsubscribe)),
    ("punsubscribe", Full(pubsub::punsubscribe)),
    ("sunsubscribe", Full(pubsub::sunsubscribe)),
    ("pubsub|channels", Full(pubsub::pubsub_channels)),
    ("pubsub|help", Full(pubsub::pubsub_help)),
    ("pubsub|numpat", Full(pubsub::pubsub_numpat)),
    ("pubsub|numsub", Full(pubsub::pubsub_numsub)),
    (
        "pubsub|receivers",
        Full(questions::receivers::pubsub_receivers),
    ),
    ("pubsub|shardchannels", Full(pubsub::pubsub_shardchannels)),
    ("pubsub|shardnumsub", Full(pubsub::pubsub_shardnumsub)),
    ("pubsub|top", Full(questions::top::pubsub_top)),
    // connection
    ("hello", Full(connection::hello)),
    ("auth", Full(connection::auth)),
    ("select", Full(connection::select)),
    ("reset", Full(connection::reset)),
    ("quit", Full(connection::quit)),
    ("ping", Full(connection::ping)),
    ("echo", Full(connection::echo)),
    ("client|caching", Full(tracking::caching)),
    ("client|closed", Full(questions::clients::client_closed)),
    ("client|getname", Full(client::getname)),
    ("client|getredir", Full(tracking::getredir)),
    ("client|help", Full(client::help)),
    ("client|id", Full(client::id)),
    ("client|info", Full(client::info)),
    ("client|kill", Full(client::kill)),
    ("client|list", Full(client::list)),
    ("client|no-evict", Full(client::no_evict)),
    ("client|no-touch", Full(client::no_touch)),
    ("client|overflow", Full(client::overflow)),
    ("client|pause", Full(operators::pause)),
    ("client|reply", Full(client::reply)),
    ("client|setinfo", Full(client::setinfo)),
    ("client|setname", Full(client::setname)),
    ("client|slowest", Full(questions::clients::client_slowest)),
    ("client|tracking", Full(tracking::tracking)),
    ("client|trackinginfo", Full(tracking::trackinginfo)),
    ("client|unblock", Full(client::unblock)),
    ("client|unpause", Full(operators::unpause)),
    // server
    ("info", Full(server::info)),
    ("time", Full(server::time)),
    ("lolwut", Full(server::lolwut)),
    ("shutdown", Full(server::shutdown)),
    ("debug", Full(server::debug)),
    ("command", Full(introspect::command)),
    ("config|get", Full(config::get)),
    ("config|help", Full(config::help)),
    ("config|resetstat", Full(config::resetstat)),
    ("config|rewrite", Full(config::rewrite)),
    ("config|set", Full(config::set)),
    ("command|count", Full(introspect::count)),
    ("command|docs", Full(introspect::docs)),
    ("command|getkeys", Full(introspect::getkeys)),
    ("command|getkeysandflags", Full(introspect::getkeysandflags)),
    ("command|help", Full(introspect::help)),
    ("command|info", Full(introspect::info)),
    ("command|list", Full(introspect::list)),
    // operators
    ("monitor", Full(operators::monitor)),
    ("queue|groups", Full(questions::queues::queue_groups)),
    ("queue|help", Full(questions::queues::queue_help)),
    ("queue|info", OnKeys(questions::queues::queue_info)),
    ("queue|list", Full(questions::queues::queue_list)),
    ("slowlog|get", Full(slowlog::get)),
    ("slowlog|help", Full(slowlog::help)),
    ("slowlog|len", Full(slowlog::len)),
    ("slowlog|reset", Full(slowlog::reset)),
    ("latency|doctor", Full(latency::doctor)),
    ("latency|graph", Full(latency::graph)),
    ("latency|help", Full(latency::help)),
    ("latency|histogram", Full(latency::histogram)),
    ("latency|history", Full(latency::history)),
    ("latency|latest", Full(latency::latest)),
    ("latency|reset", Full(latency::reset)),
    // standalone
    ("role", Full(standalone::role)),
    ("lastsave", Full(standalone::lastsave)),
    ("module|help", Full(standalone::module_help)),
    ("module|list", Full(standalone::module_list)),
    ("cluster|addslots", Full(standalone::no_cluster)),
    ("cluster|addslotsrange", Full(standalone::no_cluster)),
    ("cluster|bumpepoch", Full(standalone::no_cluster)),
    (
        "cluster|count-failure-reports",
        Full(standalone::no_cluster),
    ),
    ("cluster|countkeysinslot", Full(standalone::no_cluster)),
    ("cluster|delslots", Full(standalone::no_cluster)),
    ("cluster|delslotsrange", Full(standalone::no_cluster)),
    ("cluster|failover", Full(standalone::no_cluster)),
    ("cluster|flushslots", Full(standalone::no_cluster)),
    ("cluster|forget", Full(standalone::no_cluster)),
    ("cluster|getkeysinslot", Full(standalone::no_cluster)),
    ("cluster|help", Full(standalone::no_cluster)),
    ("cluster|info", Full(standalone::no_cluster)),
    ("cluster|keyslot", Full(standalone::no_cluster)),
    ("cluster|links", Full(standalone::no_cluster)),
    ("cluster|meet", Full(standalone::no_cluster)),
    ("cluster|myid", Full(standalone::no_cluster)),
    ("cluster|nodes", Full(standalone::no_cluster)),
    ("cluster|replicas", Full(standalone::no_cluster)),
    ("cluster|replicate", Full(standalone::no_cluster)),
    ("cluster|reset", Full(standalone::no_cluster)),
    ("cluster|saveconfig", Full(standalone::no_cluster)),
    ("cluster|set-config-epoch", Full(standalone::no_cluster)),
    ("cluster|setslot", Full(standalone::no_cluster)),
    ("cluster|shards", Full(standalone::no_cluster)),
    ("cluster|slaves", Full(standalone::no_cluster)),
    ("cluster|slots", Full(standalone::no_cluster)),
    ("asking", Full(standalone::no_cluster)),
    ("readonly", Full(standalone::no_cluster)),
    ("readwrite", Full(standalone::no_cluster)),
    // transaction
    ("multi", Full(transaction::multi)),
    ("exec", Full(transaction::exec)),
    ("discard", Full(transaction::discard)),
    ("watch", Full(transaction::watch)),
    ("unwatch", Full(transaction::unwatch)),
    // acl
    ("acl|cat", Full(acl::cat)),
    ("acl|deluser", Full(acl::deluser)),
    ("acl|dryrun", Full(acl::dryrun)),
    ("acl|genpass", Full(acl::genpass)),
    ("acl|getuser", Full(acl::getuser)),
    ("acl|help", Full(acl::help)),
    ("acl|list", Full(acl::list)),
    ("acl|load", Full(acl::load)),
    ("acl|log", Full(acl::log)),
    ("acl|save", Full(acl::save)),
    ("acl|setuser", Full(acl::setuser)),
    ("acl|users", Full(acl::users)),
    ("acl|whoami", Full(acl::whoami)),
    // list
    ("lpush", OnKeys(list::lpush)),
    ("rpush", OnKeys(list::rpush)),
    ("lpushx", OnKeys(list::lpushx)),
    ("rpushx", OnKeys(list::rpushx)),
    ("lpop", Streams(list::lpop)),
    ("rpop", Streams(list::rpop)),
    ("llen", OnKeys(list::llen)),
    ("lrange", Streams(list::lrange)),
    ("lindex", Streams(list::lindex)),
    ("lset", OnKeys(list::lset)),
    ("linsert", OnKeys(list::linsert)),
    ("lrem", OnKeys(list::lrem)),
    ("ltrim", OnKeys(list::ltrim)),
    ("lpos", Streams(list::lpos)),
    ("lmove", Streams(list::lmove)),
    ("rpoplpush", Streams(list::rpoplpush)),
    ("lmpop", Streams(list::lmpop)),
    ("blpop", Full(blocking::blpop)),
    ("brpop", Full(blocking::brpop)),
    ("blmove", Full(blocking::blmove)),
    ("brpoplpush", Full(blocking::brpoplpush)),
    ("blmpop", Full(blocking::blmpop)),
    // string
    ("set", Streams(string::set)),
    ("get", Streams(string::get)),
    ("getdel", Streams(string::getdel)),
    ("getex", Streams(string::getex)),
    ("getset", Streams(string::getset)),
    ("setex", Streams(string::setex)),
    ("psetex", Streams(string::psetex)),
    ("setnx", Streams(string::setnx)),
    ("mget", Streams(string::mget)),
    ("mset", OnKeys(string::mset)),
    ("msetnx", OnKeys(string::msetnx)),
    ("append", OnKeys(string::append)),
    ("strlen", OnKeys(string::strlen)),
    ("getrange", Streams(string::getrange)),
    ("substr", Streams(string::substr)),
    ("setrange", OnKeys(string::setrange)),
    ("incr", OnKeys(string::incr)),
    ("incrby", OnKeys(string::incrby)),
    ("incrbyfloat", Streams(string::incrbyfloat)),
    ("decr", OnKeys(string::decr)),
    ("decrby", OnKeys(string::decrby)),
    ("lcs", Streams(string::lcs)),
    // bitmap
    ("setbit", OnKeys(bitmap::setbit)),
    ("getbit", OnKeys(bitmap::getbit)),
    ("bitcount", OnKeys(bitmap::bitcount)),
    ("bitpos", OnKeys(bitmap::bitpos)),
    ("bitop", OnKeys(bitmap::bitop)),
    ("bitfield", Streams(bitmap::bitfield)),
    ("bitfield_ro", Streams(bitmap::bitfield_ro)),
    // hyperloglog
    ("pfadd", OnKeys(hyperloglog::pfadd)),
    ("pfcount", OnKeys(hyperloglog::pfcount)),
    ("pfmerge", OnKeys(hyperloglog::pfmerge)),
    // geo
    ("geoadd", OnKeys(geo::geoadd)),
    ("geodist", Streams(geo::geodist)),
    ("geohash", Streams(geo::geohash)),
    ("geopos", Streams(geo::geopos)),
    ("geosearch", Streams(geo::geosearch)),
    ("geosearchstore", Streams(geo::geosearchstore)),
    ("georadius", Streams(geo::georadius)),
    ("georadius_ro", Streams(geo::georadius_ro)),
    ("georadiusbymember", Streams(geo::georadiusbymember)),
    ("georadiusbymember_ro", Streams(geo::georadiusbymember_ro)),
    // keys
    ("del", OnKeys(keys::del)),
    ("unlink", OnKeys(keys::unlink)),
    ("exists", OnKeys(keys::exists)),
    ("type", OnKeys(keys::type_of)),
    ("touch", OnKeys(keys::touch)),
    ("rename", OnKeys(keys::rename)),
    ("renamenx", OnKeys(keys::renamenx)),
    ("copy", OnKeys(keys::copy)),
    ("move", OnKeys(keys::move_key)),
    ("randomkey", Streams(keys::randomkey)),
    ("keys", Streams(keys::keys)),
    ("dbsize", OnKeys(keys::dbsize)),
    ("flushdb", Full(keys::flushdb)),
    ("flushall", Full(keys::flushall)),
    ("swapdb", Full(keys::swapdb)),
    ("scan", Streams(scan::scan)),
    ("sort", Full(sort::sort)),
    ("sort_ro", Full(sort::sort_ro)),
    ("wait", Full(wait::wait)),
    ("object|encoding", Streams(object::object_encoding)),
    ("object|freq", OnKeys(object::object_freq)),
    ("object|help", Full(object::object_help)),
    ("object|idletime", OnKeys(object::object_idletime)),
    ("object|refcount", OnKeys(object::object_refcount)),
    ("memory|doctor", Full(memory::doctor)),
    ("memory|help", Full(memory::help)),
    ("memory|stats", Full(memory::stats)),
    ("memory|usage", OnKeys(memory::usage)),
    // sorted-set
    ("zadd", OnKeys(sorted_set::zadd)),
    ("zincrby", OnKeys(sorted_set::zincrby)),
    ("zrem", OnKeys(sorted_set::zrem)),
    ("zscore", OnKeys(sorted_set::zscore)),
    ("zmscore", Streams(sorted_set::zmscore)),
    ("zcard", OnKeys(sorted_set::zcard)),
    ("zcount", OnKeys(sorted_set::zcount)),
    ("zlexcount", OnKeys(sorted_set::zlexcount)),
    ("zrank", OnKeys(sorted_set::zrank)),
    ("zrevrank", OnKeys(sorted_set::zrevrank)),
    ("zrange", Streams(sorted_set::zrange)),
    ("zrangestore", OnKeys(sorted_set::zrangestore)),
    ("zrevrange", Streams(sorted_set::zrevrange)),
    ("zrangebyscore", Streams(sorted_set::zrangebyscore)),
    ("zrevrangebyscore", Streams(sorted_set::zrevrangebyscore)),
    ("zrangebylex", Streams(sorted_set::zrangebylex)),
    ("zrevrangebylex", Streams(sorted_set::zrevrangebylex)),
    ("zremrangebyrank", OnKeys(sorted_set::zremrangebyrank)),
    ("zremrangebyscore", OnKeys(sorted_set::zremrangebyscore)),
    ("zremrangebylex", OnKeys(sorted_set::zremrangebylex)),
    ("zrandmember", Streams(sorted_set::zrandmember)),
    ("zscan", Streams(sorted_set::zscan)),
    ("zpopmin", Streams(sorted_set::zpopmin)),
    ("zpopmax", Streams(sorted_set::zpopmax)),
    ("zmpop", Streams(sorted_set::zmpop)),
    ("bzpopmin", Full(sorted_set::bzpopmin)),
    ("bzpopmax", Full(sorted_set::bzpopmax)),
    ("bzmpop", Full(sorted_set::bzmpop)),
    ("zunion", Streams(sorted_set::zunion)),
    ("zinter", Streams(sorted_set::zinter)),
    ("zdiff", Streams(sorted_set::zdiff)),
    ("zunionstore", OnKeys(sorted_set::zunionstore)),
    ("zinterstore", OnKeys(sorted_set::zinterstore)),
    ("zdiffstore", OnKeys(sorted_set::zdiffstore)),
    ("zintercard", OnKeys(sorted_set::zintercard)),
    // expiry
    ("expire", OnKeys(expiry::expire)),
    ("pexpire", OnKeys(expiry::pexpire)),
    ("expireat", OnKeys(expiry::expireat)),
    ("pexpireat", OnKeys(expiry::pexpireat)),
    ("ttl", OnKeys(expiry::ttl)),
    ("pttl", OnKeys(expiry::pttl)),
    ("expiretime", OnKeys(expiry::expiretime)),
    ("pexpiretime", OnKeys(expiry::pexpiretime)),
    ("persist", OnKeys(expiry::persist)),
    // hash
    ("hset", OnKeys(hash::hset)),
    ("hsetnx", OnKeys(hash::hsetnx)),
    ("hmset", OnKeys(hash::hmset)),
    ("hget", Streams(hash::hget)),
    ("hmget", Streams(hash::hmget)),
    ("hgetall", Streams(hash::hgetall)),
    ("hkeys", Streams(hash::hkeys)),
    ("hvals", Streams(hash::hvals)),
    ("hlen", OnKeys(hash::hlen)),
    ("hdel", OnKeys(hash::hdel)),
    ("hexists", OnKeys(hash::hexists)),
    ("hstrlen", OnKeys(hash::hstrlen)),
    ("hincrby", OnKeys(hash::hincrby)),
    ("hincrbyfloat", Streams(hash::hincrbyfloat)),
    ("hrandfield", Streams(hash::hrandfield)),
    ("hscan", Streams(hash::hscan)),
    // set
    ("sadd", OnKeys(set::sadd)),
    ("srem", OnKeys(set::srem)),
    ("sismember", OnKeys(set::sismember)),
    ("smismember", Streams(set::smismember)),
    ("scard", OnKeys(set::scard)),
    ("smembers", Streams(set::smembers)),
    ("spop", Streams(set::spop)),
    ("srandmember", Streams(set::srandmember)),
    ("smove", OnKeys(set::smove)),
    ("sinter", Streams(set::sinter)),
    ("sinterstore", OnKeys(set::sinterstore)),
    ("sintercard", OnKeys(set::sintercard)),
    ("sunion", Streams(set::sunion)),
    ("sunionstore", OnKeys(set::sunionstore)),
    ("sdiff", Streams(set::sdiff)),
    ("sdiffstore", OnKeys(set::sdiffstore)),
    ("sscan", Streams(set::sscan)),
    // stream
    ("xadd", Streams(stream::xadd)),
    ("xlen", OnKeys(stream::xlen)),
    ("xrange", Streams(stream::xrange)),
    ("xrevrange", Streams(stream::xrevrange)),
    ("xread", Full(stream::xread)),
    ("xdel", OnKeys(stream::xdel)),
    ("xtrim", OnKeys(stream::xtrim)),
    ("xsetid", OnKeys(stream::xsetid)),
    ("xinfo|consumers", Streams(stream::xinfo_consumers)),
    ("xinfo|groups", Streams(stream::xinfo_groups)),
    ("xinfo|help", Full(stream::xinfo_help)),
    ("xinfo|stream", Streams(stream::xinfo_stream)),
    ("xgroup|create", OnKeys(stream::xgroup_create)),
    (
        "xgroup|createconsumer",
        OnKeys(stream::xgroup_createconsumer),
    ),
    ("xgroup|delconsumer", OnKeys(stream::xgroup_delconsumer)),
    ("xgroup|destroy", OnKeys(stream::xgroup_destroy)),
    ("xgroup|help", Full(stream::xgroup_help)),
    ("xgroup|setid", OnKeys(stream::xgroup_setid)),
    ("xreadgroup", Full(stream::xreadgroup)),
    ("xack", OnKeys(stream::xack)),
    ("xpending", Streams(stream::xpending)),
    ("xclaim", Streams(stream::xclaim)),
    ("xautoclaim", Streams(stream::xautoclaim)),
    // scripting
    #[cfg(feature = "scripts")]
    ("eval", Full(script::eval)),
    #[cfg(feature = "scripts")]
    ("evalsha", Full(script::evalsha)),
    #[cfg(feature = "scripts")]
    ("eval_ro", Full(script::eval_ro)),
    #[cfg(feature = "scripts")]
    ("evalsha_ro", Full(script::evalsha_ro)),
    #[cfg(feature = "scripts")]
    ("script|debug", Full(script::script_debug)),
    #[cfg(feature = "scripts")]
    ("script|exists", Full(script::script_exists)),
    #[cfg(feature = "scripts")]
    ("script|flush", Full(script::script_flush)),
    #[cfg(feature = "scripts")]
    ("script|help", Full(script::script_help)),
    #[cfg(feature = "scripts")]
    ("script|kill", Full(script::script_kill)),
    #[cfg(feature = "scripts")]
    ("script|load", Full(script::script_load)),
    #[cfg(feature = "scripts")]
    ("fcall", Full(script::function::fcall)),
    #[cfg(feature = "scripts")]
    ("fcall_ro", Full(script::function::fcall_ro)),
    #[cfg(feature = "scripts")]
    ("function|delete", Full(script::function::delete)),
    #[cfg(feature = "scripts")]
    ("function|dump", Full(script::function::dump)),
    #[cfg(feature = "scripts")]
    ("function|flush", Full(script::function::flush)),
    #[cfg(feature = "scripts")]
    ("function|help", Full(script::function::help)),
    #[cfg(feature = "scripts")]
    ("function|kill", Full(script::function::kill)),
    #[cfg(feature = "scripts")]
    ("function|list", Full(script::function::list)),
    #[cfg(feature = "scripts")]
    ("function|load", Full(script::function::load)),
    #[cfg(feature = "scripts")]
    ("function|restore", Full(script::function::restore)),
    #[cfg(feature = "scripts")]
    ("function|stats", Full(script::function::stats)),
];

/// The handlers by the ids of their commands. `None`: a container that needs a subcommand.
static BY_ID: LazyLock<Box<[Option<Handler>]>> = LazyLock::new(|| {
    let mut by_id = vec![None; CATALOG.ids()];
    for (name, handler) in HANDLERS {
        let command = CATALOG.find_full(name.as_bytes());
        let command = command.unwrap_or_else(|| panic!("the catalog lacks '{name}'"));
        let other = by_id[usize::from(command.id)].replace(*handler);
        assert!(other.is_none(), "'{name}' has two handlers");
    }
    for command in CATALOG.commands_and_subcommands() {
        let has_handler = by_id[usize::from(command.id)].is_some();
        let name = &command.full_name;
        assert_ne!(
            has_handler, command.spec.needs_subcommand,
            "the handler of '{name}'"
        );
    }
    by_id.into()
});

/// The handler of a command. `None`: a container that needs a subcommand.
pub(crate) fn handler(command: &Command) -> Option<Handler> {
    BY_ID[usize::from(command.id)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_handler() {
        for command in CATALOG.commands_and_subcommands() {
            let needs_subcommand = command.spec.needs_subcommand;
            assert_eq!(
                handler(command).is_none(),
                needs_subcommand,
                "{}",
                command.full_name
            );
        }
    }
}
