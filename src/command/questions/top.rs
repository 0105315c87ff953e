//! PUBSUB TOP: the busiest channels.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::cmp::Reverse;

use super::rows;
use crate::command::{Args, Context};
use crate::pubsub::busiest::{Counts, Window};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map};
use crate::resp::request::parse_integer;
use crate::state::ServerState;

/// The default of COUNT.
const USUAL_ROWS: usize = 10;

/// The figure that channels are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Messages.
    Messages,
    /// Bytes of payloads.
    Bytes,
    /// Subscriptions that were reached.
    Receivers,
}

impl By {
    /// Parses the word for it, in any letter case.
    pub(crate) fn parse(word: &[u8]) -> Option<By> {
        match word.to_ascii_lowercase().as_slice() {
            b"messages" => Some(By::Messages),
            b"bytes" => Some(By::Bytes),
            b"receivers" => Some(By::Receivers),
            _ => None,
        }
    }

    fn of(self, counts: &Counts) -> u64 {
        match self {
            By::Messages => counts.messages,
            By::Bytes => counts.bytes,
            By::Receivers => counts.receivers,
        }
    }
}

/// Parses a window's seconds.
pub(crate) fn window(word: &[u8]) -> Option<Window> {
    let seconds = parse_integer(word)?;
    let mut all = Window::ALL.into_iter();
    all.find(|window| i64::from(window.seconds()) == seconds)
}

/// The busiest channels of a window: at most `most`, those with the most first. `None`: they are not
/// counted (`pubsub-top no`).
pub(crate) fn top(
    server: &ServerState,
    by: By,
    window: Window,
    most: usize,
) -> Option<Vec<(Box<[u8]>, Counts)>> {
    let busiest = &server.registry.busiest;
    if !busiest.is_on() {
        return None;
    }
    server.tell_time();
    let mut channels = busiest.counted(window);
    channels.sort_unstable_by(|(name, counts), (other_name, other)| {
        let order = Reverse(by.of(counts)).cmp(&Reverse(by.of(other)));
        order.then_with(|| name.cmp(other_name))
    });
    channels.truncate(most);
    Some(channels)
}

/// `PUBSUB TOP [BY MESSAGES | BYTES | RECEIVERS] [WINDOW 10 | 60 | 600] [COUNT count]`
pub(crate) fn pubsub_top(
    context: &mut Context<'_>,
    args: &Args<'_>,
) -> Result<Reply, CommandError> {
    let (mut by, mut span, mut most) = (By::Messages, Window::TenSeconds, USUAL_ROWS);
    let mut options = args.iter().skip(2);
    while let Some(option) = options.next() {
        let value = options.next().ok_or(CommandError::SYNTAX)?;
        match option.to_ascii_lowercase().as_slice() {
            b"by" => by = By::parse(value).ok_or(CommandError::SYNTAX)?,
            b"window" => {
                span = window(value)
                    .ok_or(CommandError::text("ERR WINDOW should be 10, 60 or 600"))?;
            }
            b"count" => most = rows("COUNT", value)?,
            _ => return Err(CommandError::SYNTAX),
        }
    }
    let channels = top(context.server, by, span, most).ok_or(CommandError::text(
        "ERR the busiest channels are not counted (pubsub-top no)",
    ))?;
    Ok(array(channels.into_iter().map(|(name, counts)| {
        map([
            ("channel", bulk(Vec::from(name))),
            ("messages", integer(counts.messages as i64)),
            ("bytes", integer(counts.bytes as i64)),
            ("receivers", integer(counts.receivers as i64)),
        ])
    })))
}
