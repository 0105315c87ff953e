//! SPOP and SRANDMEMBER.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::{Result, put_member};
use crate::command::Args;
use crate::command::count::{Choice, positive};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::random;
use crate::store::set::{Member, Set, SetLimits};
use crate::store::value::ValueType;

/// `SPOP key [count]`
pub(crate) fn spop(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    const NEGATIVE: CommandError =
        CommandError::text("ERR value is out of range, must be positive");
    let count = match args.len() {
        2 => None,
        3 => Some(positive(&args[2], NEGATIVE)?),
        _ => return Err(CommandError::SYNTAX),
    };
    let key = &args[1];
    let Some(slot) = keys.write::<Set>(key)? else {
        match count {
            None => out.null(),
            Some(_) => out.set(0),
        }
        return Ok(Reply::Sent);
    };
    match count {
        Some(0) => {
            out.set(0);
            return Ok(Reply::Sent);
        }
        None => {
            let member = keys.change(slot, |set: &mut Set| set.pop(&mut random::number));
            out.bulk(&member.unwrap_or_default());
        }
        Some(count) => {
            let limits = SetLimits::of(keys.config());
            let taken = keys.change(slot, |set: &mut Set| {
                set.take_random(count, limits, &mut random::number)
            });
            out.set(taken.len());
            taken.iter().for_each(|member| put_member(out, member));
            keys.discard(taken.into());
        }
    }
    keys.changed(key);
    keys.notify(EventClass::Set, "spop", key);
    keys.drop_if_empty(slot);
    Ok(Reply::Sent)
}

/// `SRANDMEMBER key [count]`
pub(crate) fn srandmember(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let choice = match args.len() {
        2 => None,
        3 => Some(Choice::parse(&args[2])?),
        _ => return Err(CommandError::SYNTAX),
    };
    let set = keys.read::<Set>(&args[1])?;
    let Some(choice) = choice else {
        match set.and_then(|set| set.random(&mut random::number)) {
            Some(member) => put_member(out, member),
            None => out.null(),
        }
        return Ok(Reply::Sent);
    };
    let Some(set) = set else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    choice.validate_reply(set.len(), set.memory(), || {
        let shown = |member: Member<'_>| member.with_bytes(<[u8]>::len);
        set.iter().map(shown).sum()
    })?;
    match choice {
        Choice::Distinct(count) => {
            let chosen = set.random_distinct(count, &mut random::number);
            out.array(chosen.len());
            chosen
                .into_iter()
                .for_each(|member| put_member(out, member));
        }
        Choice::Repeated(count) => {
            out.array(count);
            set.random_repeated(count, &mut random::number, |member| put_member(out, member));
        }
    }
    Ok(Reply::Sent)
}
