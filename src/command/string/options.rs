//! The options of SET and GETEX.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::Result;
use crate::command::Args;
use crate::command::expiry::{Count, invalid_time};
use crate::resp::error::CommandError;
use crate::resp::request::integer_argument;
use crate::store::database::Millis;

/// The options of SET.
#[derive(Debug, Default)]
pub(super) struct SetOptions<'a> {
    /// The condition for setting the key.
    pub(super) condition: Option<Condition>,
    /// Whether the reply is the old value.
    pub(super) get: bool,
    /// The new deadline.
    pub(super) lifetime: Lifetime<'a>,
}

/// The condition under which SET sets a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// NX: the key does not exist.
    Absent,
    /// XX: the key exists.
    Present,
}

/// What happens to a key's deadline.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Lifetime<'a> {
    /// There is no option.
    #[default]
    Default,
    /// KEEPTTL.
    Keep,
    /// PERSIST.
    Persist,
    /// EX, PX, EXAT or PXAT, with the argument after it.
    Until(Count, &'a [u8]),
}

impl<'a> Lifetime<'a> {
    /// The moment at which the key expires, if the request has one (Redis's
    /// `getExpireMillisecondsOrReply`).
    ///
    /// # Errors
    /// It is not an integer, not positive, or out of range.
    pub(super) fn deadline(&self, now: Millis, command: &'static str) -> Result<Option<Millis>> {
        let Lifetime::Until(count, word) = *self else {
            return Ok(None);
        };
        let number = integer_argument(word)?;
        let moment = count.moment(number, now).filter(|_| number > 0);
        let moment = moment.ok_or_else(|| invalid_time(command))?;
        Ok(Some(moment as Millis))
    }

    /// Parses EX, PX, EXAT or PXAT. The same option may be repeated, but not combined with another.
    fn parse(&mut self, word: &[u8], rest: &mut impl Iterator<Item = &'a [u8]>) -> Result<()> {
        let count = match word.to_ascii_uppercase().as_slice() {
            b"EX" => Count::Seconds,
            b"PX" => Count::Millis,
            b"EXAT" => Count::SecondsSince1970,
            b"PXAT" => Count::MillisSince1970,
            _ => return Err(CommandError::SYNTAX),
        };
        match *self {
            Lifetime::Default => {}
            Lifetime::Until(before, _) if before == count => {}
            _ => return Err(CommandError::SYNTAX),
        }
        *self = Lifetime::Until(count, rest.next().ok_or(CommandError::SYNTAX)?);
        Ok(())
    }
}

/// Parses the options of SET, from the third argument on.
pub(super) fn of_set<'a>(args: &Args<'a>) -> Result<SetOptions<'a>> {
    let mut options = SetOptions::default();
    let mut rest = args.iter().skip(3);
    while let Some(option) = rest.next() {
        let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
        let lifetime = options.lifetime;
        if is("NX") && options.condition != Some(Condition::Present) {
            options.condition = Some(Condition::Absent);
        } else if is("XX") && options.condition != Some(Condition::Absent) {
            options.condition = Some(Condition::Present);
        } else if is("GET") {
            options.get = true;
        } else if is("KEEPTTL") && matches!(lifetime, Lifetime::Default | Lifetime::Keep) {
            options.lifetime = Lifetime::Keep;
        } else {
            options.lifetime.parse(option, &mut rest)?;
        }
    }
    Ok(options)
}

/// Parses the options of GETEX, from the second argument on.
pub(super) fn of_getex<'a>(args: &Args<'a>) -> Result<Lifetime<'a>> {
    let mut lifetime = Lifetime::default();
    let mut rest = args.iter().skip(2);
    while let Some(option) = rest.next() {
        let persist = option.eq_ignore_ascii_case(b"PERSIST");
        if persist && matches!(lifetime, Lifetime::Default | Lifetime::Persist) {
            lifetime = Lifetime::Persist;
        } else {
            lifetime.parse(option, &mut rest)?;
        }
    }
    Ok(lifetime)
}
