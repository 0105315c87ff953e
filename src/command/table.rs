//! Which function carries out which command.
//!
//! Layer `command`. The specifications are the [catalog](crate::catalog)'s; a name here that it does
//! not have, or one of its commands that is missing here, is a bug, which the first request finds.

use std::sync::LazyLock;

use super::{Args, Context};
use super::{
    acl, blocking, client, config, connection, expiry, introspect, keys, latency, list, object,
    operators, pubsub, scan, server, slowlog, sort, string, tracking, transaction, wait,
};
use crate::catalog::{CATALOG, Command};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use Handler::{Full, OnKeys, Streams};

/// The function behind a command. It answers with a reply or with an error; neither closes the
/// connection.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// One that works with the connection, or with the server.
    Full(fn(&mut Context<'_>, &Args<'_>) -> Result<Reply, CommandError>),
    /// One that needs the keys of the selected database and nothing else.
    OnKeys(fn(&mut Keys<'_>, &Args<'_>) -> Result<Reply, CommandError>),
    /// As [`OnKeys`](Handler::OnKeys); it writes its reply straight from where the values lie.
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

/// Every command, by its full name.
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
    ("pubsub|shardchannels", Full(pubsub::pubsub_shardchannels)),
    ("pubsub|shardnumsub", Full(pubsub::pubsub_shardnumsub)),
    // connection
    ("hello", Full(connection::hello)),
    ("auth", Full(connection::auth)),
    ("select", Full(connection::select)),
    ("reset", Full(connection::reset)),
    ("quit", Full(connection::quit)),
    ("ping", Full(connection::ping)),
    ("echo", Full(connection::echo)),
    ("client|caching", Full(tracking::caching)),
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
    ("object|help", OnKeys(object::object_help)),
    ("object|idletime", OnKeys(object::object_idletime)),
    ("object|refcount", OnKeys(object::object_refcount)),
    ("memory|help", OnKeys(object::memory_help)),
    ("memory|usage", OnKeys(object::memory_usage)),
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
];

/// The handlers by the ids of their commands; `None` for a container that is nothing by itself.
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

/// The function that carries out a command; `None` for a container that is nothing by itself.
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
