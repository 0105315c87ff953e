//! What the words after a list command mean: ends, counts, and the options of LMPOP and LPOS. ZMPOP
//! has LMPOP's, with ends of its own.

use crate::command::Args;
use crate::command::count::{any_but_smallest, at_least_one, positive};
use crate::resp::error::CommandError;
use crate::store::list::End;

/// What LMPOP, ZMPOP and their kin that wait ask for; `E` is an end.
#[derive(Debug)]
pub(crate) struct PopMany<'a, E> {
    /// The keys, in the order of preference.
    pub keys: Vec<&'a [u8]>,
    /// Which end the elements are taken from.
    pub from: E,
    /// How many at most; at least one.
    pub count: usize,
}

impl<'a, E> PopMany<'a, E> {
    /// Reads `numkeys key [key ...] LEFT | RIGHT [COUNT count]` from the word `first` on; `end_of`
    /// reads the end.
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
            // A wrong count is found before a word too many.
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
    /// Which of the matches is the first that counts; negative from the tail; never 0.
    pub(super) rank: i64,
    /// How many matches; without it the answer is one index and not an array.
    pub(super) count: Option<usize>,
    /// How many elements are looked at.
    pub(super) longest: usize,
}

impl Position {
    pub(super) fn parse(args: &Args<'_>) -> std::result::Result<Position, CommandError> {
        const COUNT: CommandError = CommandError::text("ERR COUNT can't be negative");
        const LONGEST: CommandError = CommandError::text("ERR MAXLEN can't be negative");
        let unlimited = |number| if number == 0 { usize::MAX } else { number };
        let mut position = Position {
            rank: 1,
            count: None,
            longest: usize::MAX,
        };
        let words: Vec<_> = args.iter().skip(3).collect();
        for option in words.chunks(2) {
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
                b"maxlen" => position.longest = unlimited(positive(value, LONGEST)?),
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(position)
    }
}

/// `LEFT` or `RIGHT`, in any letter case.
pub(crate) fn end_of(word: &[u8]) -> Option<End> {
    match word {
        word if word.eq_ignore_ascii_case(b"left") => Some(End::Head),
        word if word.eq_ignore_ascii_case(b"right") => Some(End::Tail),
        _ => None,
    }
}
