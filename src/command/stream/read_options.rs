//! Parses the arguments of XREAD and XREADGROUP.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Args, Result};
use crate::resp::error::CommandError;
use crate::resp::request::{integer_argument, parse_integer};

/// The parsed options. The ids are not parsed yet: in Redis's order, the keys are looked at first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadOptions<'a> {
    /// The most entries of each stream.
    pub count: Option<usize>,
    /// How long to wait. `Some(None)` is forever, `None` not at all.
    pub block: Option<Option<Duration>>,
    /// The group and the consumer.
    pub reader: Option<(&'a [u8], &'a [u8])>,
    /// NOACK.
    pub no_ack: bool,
    /// The index of the first key.
    first: usize,
    /// The number of streams.
    streams: usize,
}

/// Which of the two commands it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadCommand {
    /// XREAD
    Read,
    /// XREADGROUP
    ReadGroup,
}

impl<'a> ReadOptions<'a> {
    /// Parses the options up to STREAMS.
    pub(super) fn parse(args: &Args<'a>, command: ReadCommand) -> Result<ReadOptions<'a>> {
        let is_group = command == ReadCommand::ReadGroup;
        let mut options = ReadOptions::default();
        let mut index = 1;
        while let Some(word) = args.get(index) {
            let (one, two) = (args.get(index + 1), args.get(index + 2));
            match (word.to_ascii_lowercase().as_slice(), one, two) {
                (b"block", Some(timeout), _) => {
                    options.block = Some(parse_block(timeout)?);
                    index += 1;
                }
                (b"count", Some(count), _) => {
                    let count = usize::try_from(integer_argument(count)?).unwrap_or(0);
                    options.count = (count > 0).then_some(count);
                    index += 1;
                }
                (b"streams", Some(_), _) => {
                    options.first = index + 1;
                    let rest = args.len() - options.first;
                    if rest % 2 == 1 {
                        return Err(command.unbalanced());
                    }
                    options.streams = rest / 2;
                    break;
                }
                (b"group", Some(group), Some(consumer)) => {
                    if !is_group {
                        return Err(CommandError::text(
                            "ERR The GROUP option is only supported by XREADGROUP. You called \
                             XREAD instead.",
                        ));
                    }
                    options.reader = Some((group, consumer));
                    index += 2;
                }
                (b"noack", _, _) => {
                    if !is_group {
                        return Err(CommandError::text(
                            "ERR The NOACK option is only supported by XREADGROUP. You called \
                             XREAD instead.",
                        ));
                    }
                    options.no_ack = true;
                }
                _ => return Err(CommandError::SYNTAX),
            }
            index += 1;
        }
        if options.streams == 0 {
            return Err(CommandError::SYNTAX);
        }
        Ok(options)
    }

    /// The keys, each with the text of its id.
    pub(super) fn streams(
        &self,
        args: &Args<'a>,
    ) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let keys = args.iter().skip(self.first).take(self.streams);
        keys.zip(args.iter().skip(self.first + self.streams))
    }
}

impl ReadCommand {
    fn unbalanced(self) -> CommandError {
        CommandError::text(match self {
            ReadCommand::Read => {
                "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be \
                 specified."
            }
            ReadCommand::ReadGroup => {
                "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' \
                 must be specified."
            }
        })
    }
}

/// Parses a timeout in milliseconds. Zero is `None`: the command waits forever.
fn parse_block(word: &[u8]) -> Result<Option<Duration>> {
    let timeout = parse_integer(word).ok_or(CommandError::text(
        "ERR timeout is not an integer or out of range",
    ))?;
    let timeout =
        u64::try_from(timeout).map_err(|_| CommandError::text("ERR timeout is negative"))?;
    if timeout == 0 {
        return Ok(None);
    }
    let timeout = Duration::from_millis(timeout);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let end = since_1970.unwrap_or_default().saturating_add(timeout);
    if end.as_millis() > i64::MAX as u128 {
        return Err(CommandError::text("ERR timeout is out of range"));
    }
    Ok(Some(timeout))
}
