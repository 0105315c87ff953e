//! The stream commands. The checks are in Redis's order, which decides what error a client sees.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! ```text
//!   id             parsing of ids and intervals        reply   writing of ids and entries
//!   add            XADD                                trim    XTRIM, and the options it shares with XADD
//!   edit           XDEL, XSETID
//!   range          XLEN, XRANGE, XREVRANGE
//!   read_options   parsing of XREAD and XREADGROUP
//!   read           XREAD                               read_group   XREADGROUP
//!   group          XGROUP                              consumer     finding or creating a consumer
//!   pending        XACK, XPENDING
//!   claim          XCLAIM                              autoclaim    XAUTOCLAIM
//!   info           XINFO                               info_full    XINFO STREAM FULL
//! ```

mod add;
mod autoclaim;
mod claim;
mod consumer;
mod edit;
mod group;
mod id;
mod info;
mod info_full;
mod pending;
mod range;
mod read;
mod read_group;
mod read_options;
mod reply;
mod trim;

pub(crate) use add::xadd;
pub(crate) use autoclaim::xautoclaim;
pub(crate) use claim::xclaim;
pub(crate) use edit::{xdel, xsetid};
pub(crate) use group::{
    xgroup_create, xgroup_createconsumer, xgroup_delconsumer, xgroup_destroy, xgroup_help,
    xgroup_setid,
};
pub(crate) use info::{xinfo_consumers, xinfo_groups, xinfo_help, xinfo_stream};
pub(crate) use pending::{xack, xpending};
pub(crate) use range::{xlen, xrange, xrevrange};
pub(crate) use read::xread;
pub(crate) use read_group::xreadgroup;
pub(crate) use trim::xtrim;

use super::{Args, c_string};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// The error for a key that does not exist, or that has no such group.
fn no_group(key: &[u8], group: &[u8], after: &'static str) -> CommandError {
    let (key, group) = (c_string(key), c_string(group));
    CommandError::Quoting {
        before: "NOGROUP No such key '",
        quoted: [key, b"' or consumer group '", group].concat(),
        after: after.into(),
    }
}

/// The error for a stream that has no such group.
fn no_group_in(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (c_string(key), c_string(group));
    CommandError::Quoting {
        before: "NOGROUP No such consumer group '",
        quoted: [group, b"' for key name '", key].concat(),
        after: "'".into(),
    }
}
