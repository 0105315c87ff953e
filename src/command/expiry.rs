//! Commands on the deadlines of keys: EXPIRE, TTL, PERSIST and their variants. The rules are those
//! of Redis's `expire.c`.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::{Args, c_string};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::store::database::Millis;
use crate::store::keys::Keys;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// The unit of a number that says when a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Millis,
    /// Seconds since 1970.
    SecondsSince1970,
    /// Milliseconds since 1970.
    MillisSince1970,
}

impl Count {
    /// Whether the number counts since 1970.
    pub(crate) fn is_absolute(self) -> bool {
        matches!(self, Count::SecondsSince1970 | Count::MillisSince1970)
    }

    /// The unit in milliseconds.
    fn unit(self) -> Millis {
        match self {
            Count::Seconds | Count::SecondsSince1970 => 1000,
            Count::Millis | Count::MillisSince1970 => 1,
        }
    }

    /// The moment in milliseconds since 1970, which may be negative. `None`: it overflows.
    pub(crate) fn moment(self, number: i64, now: Millis) -> Option<i64> {
        let start = if self.is_absolute() { 0 } else { now as i64 };
        number.checked_mul(self.unit() as i64)?.checked_add(start)
    }
}

/// The error for a time that is out of range.
pub(crate) fn invalid_time(command: &'static str) -> CommandError {
    CommandError::Text(format!("ERR invalid expire time in '{command}' command").into())
}

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub(crate) fn expire(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    expire_at(keys, "expire", Count::Seconds, args)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub(crate) fn pexpire(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    expire_at(keys, "pexpire", Count::Millis, args)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub(crate) fn expireat(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    expire_at(keys, "expireat", Count::SecondsSince1970, args)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub(crate) fn pexpireat(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    expire_at(keys, "pexpireat", Count::MillisSince1970, args)
}

fn expire_at(keys: &mut Keys<'_>, command: &'static str, count: Count, args: &Args<'_>) -> Result {
    let conditions = Conditions::parse(args)?;
    let number = integer_argument(&args[2])?;
    let key = &args[1];
    let moment = count.moment(number, keys.now());
    let moment = moment.ok_or_else(|| invalid_time(command))?;
    let Some(slot) = keys.lookup_write(key) else {
        return Ok(Reply::Integer(0));
    };
    if !conditions.allow(keys.entry(slot).deadline(), moment) {
        return Ok(Reply::Integer(0));
    }
    if moment <= keys.now() as i64 {
        keys.delete(slot, EventClass::Generic, "del");
    } else {
        keys.set_deadline(slot, Some(moment as Millis));
        keys.changed(key);
        keys.notify(EventClass::Generic, "expire", key);
    }
    Ok(Reply::Integer(1))
}

/// The conditions under which a key's deadline is changed.
#[derive(Debug, Default)]
struct Conditions {
    /// The key has no deadline.
    nx: bool,
    /// The key has a deadline.
    xx: bool,
    /// The new deadline is later. No deadline counts as infinitely late.
    gt: bool,
    /// The new deadline is earlier.
    lt: bool,
}

impl Conditions {
    /// Parses the conditions, from the third argument on.
    fn parse(args: &Args<'_>) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        for word in args.iter().skip(3) {
            let condition = match word.to_ascii_uppercase().as_slice() {
                b"NX" => &mut conditions.nx,
                b"XX" => &mut conditions.xx,
                b"GT" => &mut conditions.gt,
                b"LT" => &mut conditions.lt,
                _ => return Err(unsupported(word)),
            };
            *condition = true;
        }
        let Conditions { nx, xx, gt, lt } = conditions;
        if nx && (xx || gt || lt) {
            return Err(CommandError::text(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if gt && lt {
            return Err(CommandError::text(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(conditions)
    }

    fn allow(&self, current: Option<Millis>, moment: i64) -> bool {
        let current = current.map(|current| current as i64);
        !(self.nx && current.is_some()
            || self.xx && current.is_none()
            || self.gt && current.is_none_or(|current| moment <= current)
            || self.lt && current.is_some_and(|current| moment >= current))
    }
}

fn unsupported(word: &[u8]) -> CommandError {
    CommandError::Quoting {
        before: "ERR Unsupported option ",
        quoted: c_string(word).to_vec(),
        after: "".into(),
    }
}

/// `TTL key`
pub(crate) fn ttl(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    deadline(keys, Count::Seconds, args)
}

/// `PTTL key`
pub(crate) fn pttl(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    deadline(keys, Count::Millis, args)
}

/// `EXPIRETIME key`
pub(crate) fn expiretime(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    deadline(keys, Count::SecondsSince1970, args)
}

/// `PEXPIRETIME key`
pub(crate) fn pexpiretime(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    deadline(keys, Count::MillisSince1970, args)
}

/// Answers when a key expires, rounded to the unit. -1: never. -2: there is no such key.
fn deadline(keys: &mut Keys<'_>, count: Count, args: &Args<'_>) -> Result {
    let mut keys = keys.reborrow().untouched();
    let Some(slot) = keys.lookup_read(&args[1]) else {
        return Ok(Reply::Integer(-2));
    };
    let Some(deadline) = keys.entry(slot).deadline() else {
        return Ok(Reply::Integer(-1));
    };
    let start = if count.is_absolute() { 0 } else { keys.now() };
    let left = deadline.saturating_sub(start);
    let unit = count.unit();
    Ok(Reply::Integer(((left + unit / 2) / unit) as i64))
}

/// `PERSIST key`
pub(crate) fn persist(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let expiring = keys
        .lookup_write(key)
        .filter(|&slot| keys.entry(slot).deadline().is_some());
    if let Some(slot) = expiring {
        keys.set_deadline(slot, None);
        keys.changed(key);
        keys.notify(EventClass::Generic, "persist", key);
    }
    Ok(Reply::Integer(expiring.is_some().into()))
}
