//! XTRIM, and the options that it shares with XADD.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::id::{NewId, parse_id};
use super::{Args, Result};
use crate::config::{Config, EventClass};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::store::keys::{Keys, SlotId};
use crate::store::stream::{Stream, Trim, TrimTo};

/// Which command the options are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Options {
    /// XADD: an id follows the options.
    OfAdd,
    /// XTRIM: nothing follows them.
    OfTrim,
}

/// The parsed options.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parsed {
    /// What to trim.
    pub trim: Option<Trim>,
    /// NOMKSTREAM.
    pub only_old: bool,
    /// The id of the new entry. `None` if it is missing.
    pub id: Option<NewId>,
    /// The index of the first argument after the options and the id.
    pub rest: usize,
}

/// What is said about trimming, before it is known to be complete.
#[derive(Default)]
struct Said {
    to: Option<TrimTo>,
    is_approximate: bool,
    limit: Option<u64>,
}

impl Options {
    /// Parses the arguments after the key.
    pub(super) fn parse(self, args: &Args<'_>, config: &Config) -> Result<Parsed> {
        let is_add = self == Options::OfAdd;
        let mut parsed = Parsed::default();
        let mut said = Said::default();
        let mut index = 2;
        while let Some(word) = args.get(index) {
            let value = args.get(index + 1);
            match (word.to_ascii_lowercase().as_slice(), value) {
                (b"*", _) if is_add => parsed.id = Some(NewId::Auto),
                (strategy @ (b"maxlen" | b"minid"), Some(_)) => {
                    index = said.parse_strategy(args, index + 1, strategy == b"maxlen")?;
                }
                (b"limit", Some(value)) => {
                    said.limit = Some(not_negative(value, "ERR The LIMIT argument must be >= 0.")?);
                    index += 1;
                }
                (b"nomkstream", _) if is_add => parsed.only_old = true,
                _ if is_add => parsed.id = Some(NewId::parse(word)?),
                _ => return Err(CommandError::SYNTAX),
            }
            index += 1;
            if parsed.id.is_some() {
                break;
            }
        }
        parsed.rest = index;
        parsed.trim = said.complete(self, config)?;
        Ok(parsed)
    }
}

impl Said {
    /// Parses what follows MAXLEN or MINID. Returns the index of the threshold.
    fn parse_strategy(
        &mut self,
        args: &Args<'_>,
        mut index: usize,
        is_length: bool,
    ) -> Result<usize> {
        if self.to.is_some() {
            return Err(CommandError::text(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        if index + 1 < args.len() && matches!(&args[index], b"~" | b"=") {
            self.is_approximate = &args[index] == b"~";
            index += 1;
        }
        let threshold = &args[index];
        self.to = Some(if is_length {
            TrimTo::Length(not_negative(
                threshold,
                "ERR The MAXLEN argument must be >= 0.",
            )?)
        } else {
            TrimTo::MinId(parse_id(threshold, 0)?)
        });
        Ok(index)
    }

    /// The trim. As in Redis, a limit of 0 needs no strategy, but it does need the `~`.
    fn complete(self, options: Options, config: &Config) -> Result<Option<Trim>> {
        let limit = self.limit;
        match self.to {
            None if limit.is_some_and(|limit| limit > 0) => Err(CommandError::text(
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            )),
            None if options == Options::OfTrim => Err(CommandError::text(
                "ERR syntax error, XTRIM must be called with a trimming strategy",
            )),
            _ if limit.is_some() && !self.is_approximate => Err(CommandError::text(
                "ERR syntax error, LIMIT cannot be used without the special ~ option",
            )),
            to => Ok(to.map(|to| Trim {
                to,
                approximate: self
                    .is_approximate
                    .then(|| limit.unwrap_or_else(|| default_limit(config))),
            })),
        }
    }
}

/// The most entries that an approximate trim removes if the request does not say it: those of a
/// hundred blocks.
fn default_limit(config: &Config) -> u64 {
    const BLOCKS: u64 = 100;
    const MOST: u64 = 1_000_000;
    const IF_UNLIMITED: u64 = 10_000;
    match config.stream_node_max_entries.saturating_mul(BLOCKS) {
        0 => IF_UNLIMITED,
        limit => limit.min(MOST),
    }
}

fn not_negative(word: &[u8], error: &'static str) -> Result<u64> {
    u64::try_from(integer_argument(word)?).map_err(|_| CommandError::text(error))
}

/// Trims the stream in a slot, and notifies of it. Returns the number of removed entries.
pub(super) fn trim_stream(keys: &mut Keys<'_>, slot: SlotId, key: &[u8], trim: Trim) -> u64 {
    let trimmed = keys.change(slot, |stream: &mut Stream| stream.log.trim(trim));
    let entries = trimmed.entries;
    if entries > 0 {
        let cost = trimmed.free_cost();
        keys.discard_part(trimmed, cost);
        keys.notify(EventClass::Stream, "xtrim", key);
    }
    entries
}

/// `XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count]`
pub(crate) fn xtrim(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let options = Options::OfTrim.parse(args, keys.config())?;
    let key = &args[1];
    let (Some(slot), Some(trim)) = (keys.write::<Stream>(key)?, options.trim) else {
        return Ok(Reply::Integer(0));
    };
    let removed = trim_stream(keys, slot, key, trim);
    if removed > 0 {
        keys.changed(key);
    }
    Ok(Reply::Integer(removed as i64))
}
