//! The arguments of LMPOP, ZMPOP and their blocking forms, and the options of LPOS.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::command::Args;
use crate::command::count::{any_but_smallest, at_least_one, positive};
use crate::resp::error::CommandError;

/// The arguments of LMPOP, ZMPOP, BLMPOP and BZMPOP; `E` is an end.
#[derive(Debug)]
pub(crate) struct PopMany<'a, E> {
    /// The keys, in the order of the request.
    pub keys: Vec<&'a [u8]>,
    /// The end that the elements are popped from.
    pub from: E,
    /// The most elements; at least one.
    pub count: usize,
}

impl<'a, E> PopMany<'a, E> {
    /// Parses `numkeys key [key ...] LEFT | RIGHT [COUNT count]` from the argument `first` on.
    /// `end_of` parses the end.
    pub(crate) fn parse(
        args: &Args<'a>,
        first: usize,
        end_of: impl FnOnce(&[u8]) -> Option<E>,
    ) -> std::result::Result<Self, CommandError> {
        const KEYS: CommandError = CommandError::text("ERR numkeys should be greater than 0");
        const COUNT: CommandError = CommandError::text("ERR count should be greater than 0");
        let keys = at_least_one(&args[first], KEYS)?;
        let end = first.saturating_add(keys).saturating_add(1);
        let from = args.get(end).and_then(end_of).ok_or(CommandError::SYNTAX)?;
        let count = match args.len() - end - 1 {
            0 => 1,
            2 if args[end + 1].eq_ignore_ascii_case(b"count") => {
                at_least_one(&args[end + 2], COUNT)?
            }
            // As in Redis, a wrong count is reported before an extra argument.
            3.. if args[end + 1].eq_ignore_ascii_case(b"count") => {
                at_least_one(&args[end + 2], COUNT)?;
                return Err(CommandError::SYNTAX);
            }
            _ => return Err(CommandError::SYNTAX),
        };
        Ok(PopMany {
            keys: args.iter().skip(first + 1).take(keys).collect(),
            from,
            count,
        })
    }
}

/// The options of LPOS.
pub(super) struct Position {
    /// The number of the first match to return, from 1. Negative: from the tail. Never 0.
    pub(super) rank: i64,
    /// The most matches to return. `None`: one index is returned, and not an array.
    pub(super) count: Option<usize>,
    /// The most elements to compare.
    pub(super) max_len: usize,
}

impl Position {
    pub(super) fn parse(args: &Args<'_>) -> std::result::Result<Position, CommandError> {
        const COUNT: CommandError = CommandError::text("ERR COUNT can't be negative");
        const MAX_LEN: CommandError = CommandError::text("ERR MAXLEN can't be negative");
        let unlimited = |number| if number == 0 { usize::MAX } else { number };
        let mut position = Position {
            rank: 1,
            count: None,
            max_len: usize::MAX,
        };
        let options: Vec<_> = args.iter().skip(3).collect();
        for option in options.chunks(2) {
            let &[name, value] = option else {
                return Err(CommandError::SYNTAX);
            };
            match name.to_ascii_lowercase().as_slice() {
                b"rank" => {
                    position.rank = any_but_smallest(value)?;
                    if position.rank == 0 {
                        return Err(CommandError::text(
                            "ERR RANK can't be zero: use 1 to start from the first match, 2 from \
                             the second ... or use negative to start from the end of the list",
                        ));
                    }
                }
                b"count" => position.count = Some(unlimited(positive(value, COUNT)?)),
                b"maxlen" => position.max_len = unlimited(positive(value, MAX_LEN)?),
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(position)
    }
}
