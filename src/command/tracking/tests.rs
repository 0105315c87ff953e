//! Tests of client-side caching.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::*;
use crate::command::dispatch;
use crate::command::fixture::{Fixture, joined};
use crate::config::Config;

/// The next holder of the keyspace's lock may send the client an invalidation that makes a reply
/// stale.
#[tokio::test]
async fn a_reply_is_in_the_outbox_before_the_keyspace_is_released() {
    for how in [&[][..], &["BCAST"]] {
        let mut fixture = Fixture::new(Config::default());
        let client = Arc::clone(&fixture.client);
        let mut context = fixture.context();
        let mut pending = |args: &[&str]| {
            let (bytes, places) = joined(args);
            dispatch(&mut context, &Args::new(&bytes, &places, &[]));
            (client.outbox.pending(), context.keyspace.is_some())
        };
        assert_eq!(pending(&["GET", "key"]), (0, true));
        // Without tracking it waits for the end of the batch.
        assert_eq!(pending(&["PING"]), (0, false));
        let on = [&["CLIENT", "TRACKING", "ON"][..], how].concat();
        let (settled, _) = pending(&on);
        assert_eq!(settled, b"$-1\r\n+PONG\r\n+OK\r\n".len());
        assert_eq!(pending(&["GET", "key"]), (settled, true));
        let (all, is_held) = pending(&["PING"]);
        assert_eq!((all, is_held), (settled + b"$-1\r\n".len(), false));
    }
}

#[test]
fn the_first_overlap_is_found() {
    let overlap = |prefixes: &[&str]| {
        let prefixes = prefixes.iter().map(|prefix| prefix.as_bytes().into());
        first_overlap(&prefixes.collect::<Vec<_>>())
    };
    assert_eq!(overlap(&[]), None);
    assert_eq!(overlap(&["a", "b", "ca", "cb"]), None);
    assert_eq!(overlap(&["a", "a"]), Some((0, 1)));
    assert_eq!(overlap(&["ab", "x", "a"]), Some((0, 2)));
    assert_eq!(overlap(&["x", "abc", "ad", "ab", "a"]), Some((1, 3)));
    assert_eq!(overlap(&["b", "a", "", "c"]), Some((0, 2)));
    assert_eq!(overlap(&["c", "ca", "a", "ab"]), Some((0, 1)));
}

/// Compares with a search over all pairs, for all lists of four out of some prefixes.
#[test]
fn the_first_overlap_is_that_of_a_search_over_all_pairs() {
    let choices = ["", "a", "b", "ab", "aba", "abb"];
    for number in 0..choices.len().pow(4) {
        let pick = |place: u32| choices[number / choices.len().pow(place) % choices.len()];
        let list: Vec<Box<[u8]>> = (0..4).map(|place| pick(place).as_bytes().into()).collect();
        let pairs = (0..4).flat_map(|one| (one + 1..4).map(move |two| (one, two)));
        let mut overlapping = pairs.filter(|&(one, two)| {
            let (one, two) = (&list[one], &list[two]);
            one.starts_with(two) || two.starts_with(one)
        });
        assert_eq!(first_overlap(&list), overlapping.next(), "{list:?}");
    }
}
