//! PUBSUB RECEIVERS: who would get a message.
//!
//! Layer `command`. It may use `state` and what lies below.

use bytes::Bytes;

use super::rows;
use crate::client::ClientId;
use crate::command::{Args, Context};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map};
use crate::state::ServerState;

/// The default of LIMIT.
pub(crate) const USUAL_ROWS: usize = 100;

/// Who would get a message to a channel.
#[derive(Debug)]
pub(crate) struct Receivers {
    /// The number of all subscriptions that the message would reach: what PUBLISH would answer.
    pub total: usize,
    /// Some of them, or all. A client has a row for each of its subscriptions that match.
    pub shown: Vec<Receiver>,
}

/// A subscription that a message would reach.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// The client's id.
    pub id: ClientId,
    /// Its name, as it gave it to itself.
    pub name: Bytes,
    /// Its address.
    pub addr: String,
    /// The pattern that matches; `None` if the client is subscribed to the channel itself.
    pub pattern: Option<Bytes>,
}

/// Finds who would get a message to `channel` now. At most `most` are listed.
pub(crate) fn receivers(server: &ServerState, channel: &[u8], most: usize) -> Receivers {
    let (total, found) = server.registry.list_receivers(channel, most);
    // The registry's locks are released by now.
    let shown = found.into_iter().map(|(client, pattern)| Receiver {
        id: client.id,
        name: client.names().name,
        addr: client.addresses.peer(),
        pattern: pattern.map(Bytes::from_owner),
    });
    Receivers {
        total,
        shown: shown.collect(),
    }
}

/// `PUBSUB RECEIVERS channel [LIMIT count]`
pub(crate) fn pubsub_receivers(
    context: &mut Context<'_>,
    args: &Args<'_>,
) -> Result<Reply, CommandError> {
    let most = match (args.get(3), args.get(4), args.len()) {
        (None, ..) => USUAL_ROWS,
        (Some(option), Some(word), 5) if option.eq_ignore_ascii_case(b"limit") => {
            rows("LIMIT", word)?
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let channel = &args[2];
    let Receivers { total, shown } = receivers(context.server, channel, most);
    Ok(map([
        ("channel", bulk(channel.to_vec())),
        ("total", integer(total as i64)),
        ("receivers", array(shown.into_iter().map(row))),
    ]))
}

fn row(receiver: Receiver) -> Reply {
    let (by, pattern) = match receiver.pattern {
        None => ("channel", Reply::Null),
        Some(pattern) => ("pattern", bulk(pattern)),
    };
    map([
        ("id", integer(receiver.id as i64)),
        ("name", bulk(receiver.name)),
        ("addr", bulk(receiver.addr)),
        ("by", bulk(by)),
        ("pattern", pattern),
    ])
}
