//! Commands on places: GEOADD, GEOPOS and so on. The rules are those of Redis's `geo.c`.
//!
//! Layer `command`. It may use `state` and what lies below. A place is a member of a sorted set.
//! Its score is a geohash of 52 bits. Searches are in [`search`], and their arguments in
//! [`options`].

mod options;
mod search;

pub(crate) use search::{
    georadius, georadius_ro, georadiusbymember, georadiusbymember_ro, geosearch, geosearchstore,
};

use super::Args;
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::number::parse_score;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::geo::{self, GeoError, Point, Unit};
use crate::store::keys::Keys;
use crate::store::sorted_set::{Limits, Outcome, SortedSet};

type Result<T = Reply> = std::result::Result<T, CommandError>;

const NO_FLOAT: CommandError = CommandError::text("ERR value is not a valid float");

impl From<GeoError> for CommandError {
    fn from(error: GeoError) -> CommandError {
        CommandError::Text(error.to_string().into())
    }
}

/// Parses a number. `refusal`: the error if it is not one.
fn number(word: &[u8], refusal: CommandError) -> Result<f64> {
    parse_score(word).ok_or(refusal)
}

/// Parses the coordinates of a place.
fn point(longitude: &[u8], latitude: &[u8]) -> Result<Point> {
    let longitude = number(longitude, NO_FLOAT)?;
    let latitude = number(latitude, NO_FLOAT)?;
    Ok(Point::new(longitude, latitude)?)
}

/// `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
pub(crate) fn geoadd(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (mut only_new, mut only_present, mut count_changes) = (false, false, false);
    let mut first = 2;
    while let Some(option) = args.get(first) {
        match option.to_ascii_lowercase().as_slice() {
            b"nx" => only_new = true,
            b"xx" => only_present = true,
            b"ch" => count_changes = true,
            _ => break,
        }
        first += 1;
    }
    let given: Vec<&[u8]> = args.iter().skip(first).collect();
    let (triples, rest) = given.as_chunks::<3>();
    if triples.is_empty() || !rest.is_empty() || (only_new && only_present) {
        return Err(CommandError::SYNTAX);
    }
    let mut places = Vec::with_capacity(triples.len());
    for &[longitude, latitude, member] in triples {
        places.push((member, geo::encode(point(longitude, latitude)?)));
    }
    let key = &args[1];
    let limits = Limits::of(keys.config());
    let slot = match keys.write::<SortedSet>(key)? {
        Some(slot) => slot,
        None if only_present => return Ok(Reply::Integer(0)),
        None => {
            let first = places[0].0.len();
            keys.add(key, SortedSet::new(places.len(), first, limits))
        }
    };
    let (mut added, mut updated) = (0, 0);
    keys.change(slot, |set: &mut SortedSet| {
        set.expect(places.len(), limits);
        for (member, score) in places {
            let is_skipped = (only_new || only_present) && set.score(member).is_some() == only_new;
            if is_skipped {
                continue;
            }
            match set.insert(member, score, limits) {
                Outcome::Added => added += 1,
                Outcome::Updated => updated += 1,
                Outcome::Same => {}
            }
        }
    });
    if added + updated > 0 {
        keys.changed(key);
        keys.notify(EventClass::SortedSet, "zadd", key);
    }
    Ok(Reply::Integer(if count_changes {
        added + updated
    } else {
        added
    }))
}

/// `GEODIST key member1 member2 [M | KM | FT | MI]`
pub(crate) fn geodist(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let unit = match args.len() {
        4 => Unit::Metre,
        5 => Unit::parse(&args[4])?,
        _ => return Err(CommandError::SYNTAX),
    };
    let set = keys.read::<SortedSet>(&args[1])?;
    let place = |member: &[u8]| set?.score(member).map(geo::decode);
    match (place(&args[2]), place(&args[3])) {
        (Some(from), Some(to)) => {
            let distance = geo::distance(from, to) / unit.metres();
            out.bulk(geo::distance_text(distance).as_bytes());
        }
        _ => out.null(),
    }
    Ok(Reply::Sent)
}

/// `GEOHASH key [member ...]`
pub(crate) fn geohash(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    for_each_score(keys, out, args, |out, score| match score {
        Some(score) => out.bulk(geo::geohash_text(score).as_bytes()),
        None => out.null(),
    })
}

/// `GEOPOS key [member ...]`
pub(crate) fn geopos(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    for_each_score(keys, out, args, |out, score| match score {
        Some(score) => write_point(out, geo::decode(score)),
        None => out.null_array(),
    })
}

/// Replies with an array to which `write` adds an element for each member. The score is `None` if
/// the set has no such member.
fn for_each_score(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
    write: impl Fn(&mut ReplyWriter<'_>, Option<f64>),
) -> Result {
    let set = keys.read::<SortedSet>(&args[1])?;
    let members = args.iter().skip(2);
    out.array(members.len());
    for member in members {
        write(out, set.and_then(|set| set.score(member)));
    }
    Ok(Reply::Sent)
}

fn write_point(out: &mut ReplyWriter<'_>, point: Point) {
    out.array(2);
    for degrees in [point.longitude, point.latitude] {
        out.decimal(geo::coordinate_text(degrees).as_bytes());
    }
}
