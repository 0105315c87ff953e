//! Searches for places in an area: GEOSEARCH, GEOSEARCHSTORE and the older GEORADIUS commands.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::ops::Bound;

use super::options::{Command, SearchOptions};
use super::{Result, write_point};
use crate::command::Args;
use crate::command::keys::allow_copies;
use crate::config::EventClass;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::geo::{self, Hit};
use crate::store::keys::Keys;
use crate::store::sorted_set::{Builder, Limits, SortedSet};

/// `GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit | BYBOX
/// width height unit [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
pub(crate) fn geosearch(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    search(Command::Search, keys, out, args)
}

/// `GEOSEARCHSTORE destination source …`: as [`geosearch`], with STOREDIST in place of WITHCOORD,
/// WITHDIST and WITHHASH.
pub(crate) fn geosearchstore(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    search(Command::SearchAndStore, keys, out, args)
}

/// `GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count
/// [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]`
pub(crate) fn georadius(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    search(Command::AroundPoint { may_store: true }, keys, out, args)
}

/// `GEORADIUS_RO key …`: GEORADIUS without STORE and STOREDIST.
pub(crate) fn georadius_ro(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    search(Command::AroundPoint { may_store: false }, keys, out, args)
}

/// `GEORADIUSBYMEMBER key member radius unit …`: the rest as for [`georadius`].
pub(crate) fn georadiusbymember(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    search(Command::AroundMember { may_store: true }, keys, out, args)
}

/// `GEORADIUSBYMEMBER_RO key …`: GEORADIUSBYMEMBER without STORE and STOREDIST.
pub(crate) fn georadiusbymember_ro(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    search(Command::AroundMember { may_store: false }, keys, out, args)
}

fn search(
    command: Command,
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let key = if command == Command::SearchAndStore {
        &args[2]
    } else {
        &args[1]
    };
    let limits = Limits::of(keys.config());
    let source = keys.peek(key);
    allow_copies(keys, source)?;
    let set = keys.read::<SortedSet>(key)?;
    let options = SearchOptions::parse(command, args, set)?;
    let hits = set.map_or_else(Vec::new, |set| hits_in(set, &options));
    let Some(destination) = options.store else {
        write(out, &options, &hits);
        return Ok(Reply::Sent);
    };
    let mut found = Builder::with_capacity(hits.len());
    for hit in &hits {
        let score = if options.store_distances {
            hit.distance
        } else {
            hit.score
        };
        found.add(hit.member, score, |_, score| score);
    }
    let length = found.len();
    if length > 0 {
        keys.put(destination, found.finish(limits), false);
        let event = match command {
            Command::SearchAndStore => "geosearchstore",
            _ => "georadiusstore",
        };
        keys.notify(EventClass::SortedSet, event, destination);
    } else if let Some(slot) = keys.peek(destination) {
        keys.delete(slot, EventClass::Generic, "del");
    }
    Ok(Reply::Integer(length as i64))
}

/// The places in `set` that the options select, in the order of the reply.
fn hits_in<'a>(set: &'a SortedSet, options: &SearchOptions<'_>) -> Vec<Hit<&'a [u8]>> {
    let Some(search) = options.search() else {
        return Vec::new();
    };
    let at_most = options.count.filter(|_| options.any);
    let mut hits = search.collect(at_most, |range| {
        let ranks = set.score_ranks(Bound::Included(range.min), Bound::Excluded(range.end));
        set.by_rank(ranks, false)
    });
    geo::arrange(&mut hits, options.order(), options.count);
    hits
}

fn write(out: &mut ReplyWriter<'_>, options: &SearchOptions<'_>, hits: &[Hit<&[u8]>]) {
    let (distance, hash) = (options.with_distance, options.with_hash);
    let coordinates = options.with_coordinates;
    let more = [distance, hash, coordinates]
        .iter()
        .filter(|&&with| with)
        .count();
    out.array(hits.len());
    for hit in hits {
        if more > 0 {
            out.array(1 + more);
        }
        out.bulk(hit.member);
        if distance {
            out.bulk(geo::distance_text(hit.distance).as_bytes());
        }
        if hash {
            out.integer(hit.score as i64);
        }
        if coordinates {
            write_point(out, geo::decode(hit.score));
        }
    }
}
