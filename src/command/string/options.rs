//! The options of SET and GETEX.

use super::Result;
use crate::command::Args;
use crate::command::expiry::{Count, invalid_time};
use crate::resp::error::CommandError;
use crate::resp::request::integer_argument;
use crate::store::database::Millis;

/// What SET is asked for besides.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    /// When it may set the key.
    pub(super) condition: Option<Condition>,
    /// Whether it replies with the value before.
    pub(super) get: bool,
    /// How long the key lives.
    pub(super) lifetime: Lifetime<'a>,
}

/// When SET may set a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// NX: it is not there.
    Absent,
    /// XX: it is there.
    Present,
}

/// How long a key lives from now on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Lifetime<'a> {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// KEEPTTL
    Keep,
    /// PERSIST
    Persist,
    /// EX, PX, EXAT, PXAT, with the word after it.
    Until(Count, &'a [u8]),
}

impl<'a> Lifetime<'a> {
    /// The moment at which the key expires, if one was said (Redis: `getExpireMillisecondsOrReply`).
    ///
    /// # Errors
    /// It is no number, not positive, or too late to be told.
    pub(super) fn deadline(&self, now: Millis, command: &'static str) -> Result<Option<Millis>> {
        let Lifetime::Until(count, word) = *self else {
            return Ok(None);
        };
        let number = integer_argument(word)?;
        let moment = count.moment(number, now).filter(|_| number > 0);
        let moment = moment.ok_or_else(|| invalid_time(command))?;
        Ok(Some(moment as Millis))
    }

    /// Takes an option of both commands. The same one may come again, but no other of its kind.
    fn take(&mut self, word: &[u8], rest: &mut impl Iterator<Item = &'a [u8]>) -> Result<()> {
        let count = match word.to_ascii_uppercase().as_slice() {
            b"EX" => Count::Seconds,
            b"PX" => Count::Millis,
            b"EXAT" => Count::SecondsSince1970,
            b"PXAT" => Count::MillisSince1970,
            _ => return Err(CommandError::SYNTAX),
        };
        match *self {
            Lifetime::Unsaid => {}
            Lifetime::Until(before, _) if before == count => {}
            _ => return Err(CommandError::SYNTAX),
        }
        *self = Lifetime::Until(count, rest.next().ok_or(CommandError::SYNTAX)?);
        Ok(())
    }
}

/// The options of SET, from its third argument on.
pub(super) fn of_set<'a>(args: &Args<'a>) -> Result<Options<'a>> {
    let mut options = Options::default();
    let mut words = args.iter().skip(3);
    while let Some(word) = words.next() {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let lifetime = options.lifetime;
        if is("NX") && options.condition != Some(Condition::Present) {
            options.condition = Some(Condition::Absent);
        } else if is("XX") && options.condition != Some(Condition::Absent) {
            options.condition = Some(Condition::Present);
        } else if is("GET") {
            options.get = true;
        } else if is("KEEPTTL") && matches!(lifetime, Lifetime::Unsaid | Lifetime::Keep) {
            options.lifetime = Lifetime::Keep;
        } else {
            options.lifetime.take(word, &mut words)?;
        }
    }
    Ok(options)
}

/// The options of GETEX, from its second argument on.
pub(super) fn of_getex<'a>(args: &Args<'a>) -> Result<Lifetime<'a>> {
    let mut lifetime = Lifetime::default();
    let mut words = args.iter().skip(2);
    while let Some(word) = words.next() {
        let persist = word.eq_ignore_ascii_case(b"PERSIST");
        if persist && matches!(lifetime, Lifetime::Unsaid | Lifetime::Persist) {
            lifetime = Lifetime::Persist;
        } else {
            lifetime.take(word, &mut words)?;
        }
    }
    Ok(lifetime)
}
