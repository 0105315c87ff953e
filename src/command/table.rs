//! Which function carries out which command.
//!
//! Layer `command`. The specifications are the [catalog](crate::catalog)'s; a name here that it does
//! not have, or one of its commands that is missing here, is a bug, which the first request finds.

use std::sync::LazyLock;

use super::{Args, Context};
use super::{
    acl, blocking, client, config, connection, expiry, introspect, keys, latency, list, object,
    operators, pubsub, scan, server, slowlog, sort, string, transaction, wait,
};
use crate::catalog::{CATALOG, Command};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;

/// The function behind a command. It answers with a reply or with an error; neither closes the
/// connection.
pub(crate) type Handler = fn(&mut Context<'_>, &Args<'_>) -> Result<Reply, CommandError>;

/// Every command, by its full name.
const HANDLERS: &[(&str, Handler)] = &[
    // pubsub
    ("publish", pubsub::publish),
    ("spublish", pubsub::spublish),
    ("subscribe", pubsub::subscribe),
    ("psubscribe", pubsub::psubscribe),
    ("ssubscribe", pubsub::ssubscribe),
    ("unsubscribe", pubsub::unsubscribe),
    ("punsubscribe", pubsub::punsubscribe),
    ("sunsubscribe", pubsub::sunsubscribe),
    ("pubsub|channels", pubsub::pubsub_channels),
    ("pubsub|help", pubsub::pubsub_help),
    ("pubsub|numpat", pubsub::pubsub_numpat),
    ("pubsub|numsub", pubsub::pubsub_numsub),
    ("pubsub|shardchannels", pubsub::pubsub_shardchannels),
    ("pubsub|shardnumsub", pubsub::pubsub_shardnumsub),
    // connection
    ("hello", connection::hello),
    ("auth", connection::auth),
    ("select", connection::select),
    ("reset", connection::reset),
    ("quit", connection::quit),
    ("ping", connection::ping),
    ("echo", connection::echo),
    ("client|getname", client::getname),
    ("client|help", client::help),
    ("client|id", client::id),
    ("client|info", client::info),
    ("client|kill", client::kill),
    ("client|list", client::list),
    ("client|no-evict", client::no_evict),
    ("client|no-touch", client::no_touch),
    ("client|overflow", client::overflow),
    ("client|pause", operators::pause),
    ("client|reply", client::reply),
    ("client|setinfo", client::setinfo),
    ("client|setname", client::setname),
    ("client|unblock", client::unblock),
    ("client|unpause", operators::unpause),
    // server
    ("info", server::info),
    ("time", server::time),
    ("lolwut", server::lolwut),
    ("shutdown", server::shutdown),
    ("debug", server::debug),
    ("command", introspect::command),
    ("config|get", config::get),
    ("config|help", config::help),
    ("config|resetstat", config::resetstat),
    ("config|rewrite", config::rewrite),
    ("config|set", config::set),
    ("command|count", introspect::count),
    ("command|docs", introspect::docs),
    ("command|getkeys", introspect::getkeys),
    ("command|getkeysandflags", introspect::getkeysandflags),
    ("command|help", introspect::help),
    ("command|info", introspect::info),
    ("command|list", introspect::list),
    // operators
    ("monitor", operators::monitor),
    ("slowlog|get", slowlog::get),
    ("slowlog|help", slowlog::help),
    ("slowlog|len", slowlog::len),
    ("slowlog|reset", slowlog::reset),
    ("latency|doctor", latency::doctor),
    ("latency|graph", latency::graph),
    ("latency|help", latency::help),
    ("latency|histogram", latency::histogram),
    ("latency|history", latency::history),
    ("latency|latest", latency::latest),
    ("latency|reset", latency::reset),
    // transaction
    ("multi", transaction::multi),
    ("exec", transaction::exec),
    ("discard", transaction::discard),
    ("watch", transaction::watch),
    ("unwatch", transaction::unwatch),
    // acl
    ("acl|cat", acl::cat),
    ("acl|deluser", acl::deluser),
    ("acl|dryrun", acl::dryrun),
    ("acl|genpass", acl::genpass),
    ("acl|getuser", acl::getuser),
    ("acl|help", acl::help),
    ("acl|list", acl::list),
    ("acl|load", acl::load),
    ("acl|log", acl::log),
    ("acl|save", acl::save),
    ("acl|setuser", acl::setuser),
    ("acl|users", acl::users),
    ("acl|whoami", acl::whoami),
    // list
    ("lpush", list::lpush),
    ("rpush", list::rpush),
    ("lpushx", list::lpushx),
    ("rpushx", list::rpushx),
    ("lpop", list::lpop),
    ("rpop", list::rpop),
    ("llen", list::llen),
    ("lrange", list::lrange),
    ("lindex", list::lindex),
    ("lset", list::lset),
    ("linsert", list::linsert),
    ("lrem", list::lrem),
    ("ltrim", list::ltrim),
    ("lpos", list::lpos),
    ("lmove", list::lmove),
    ("rpoplpush", list::rpoplpush),
    ("lmpop", list::lmpop),
    ("blpop", blocking::blpop),
    ("brpop", blocking::brpop),
    ("blmove", blocking::blmove),
    ("brpoplpush", blocking::brpoplpush),
    ("blmpop", blocking::blmpop),
    // string
    ("set", string::set),
    ("get", string::get),
    ("getdel", string::getdel),
    ("getex", string::getex),
    ("getset", string::getset),
    ("setex", string::setex),
    ("psetex", string::psetex),
    ("setnx", string::setnx),
    ("mget", string::mget),
    ("mset", string::mset),
    ("msetnx", string::msetnx),
    ("append", string::append),
    ("strlen", string::strlen),
    ("getrange", string::getrange),
    ("substr", string::substr),
    ("setrange", string::setrange),
    ("incr", string::incr),
    ("incrby", string::incrby),
    ("incrbyfloat", string::incrbyfloat),
    ("decr", string::decr),
    ("decrby", string::decrby),
    // keys
    ("del", keys::del),
    ("unlink", keys::unlink),
    ("exists", keys::exists),
    ("type", keys::type_of),
    ("touch", keys::touch),
    ("rename", keys::rename),
    ("renamenx", keys::renamenx),
    ("copy", keys::copy),
    ("move", keys::move_key),
    ("randomkey", keys::randomkey),
    ("keys", keys::keys),
    ("dbsize", keys::dbsize),
    ("flushdb", keys::flushdb),
    ("flushall", keys::flushall),
    ("swapdb", keys::swapdb),
    ("scan", scan::scan),
    ("sort", sort::sort),
    ("sort_ro", sort::sort_ro),
    ("wait", wait::wait),
    ("object|encoding", object::object_encoding),
    ("object|freq", object::object_freq),
    ("object|help", object::object_help),
    ("object|idletime", object::object_idletime),
    ("object|refcount", object::object_refcount),
    ("memory|help", object::memory_help),
    ("memory|usage", object::memory_usage),
    // expiry
    ("expire", expiry::expire),
    ("pexpire", expiry::pexpire),
    ("expireat", expiry::expireat),
    ("pexpireat", expiry::pexpireat),
    ("ttl", expiry::ttl),
    ("pttl", expiry::pttl),
    ("expiretime", expiry::expiretime),
    ("pexpiretime", expiry::pexpiretime),
    ("persist", expiry::persist),
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
