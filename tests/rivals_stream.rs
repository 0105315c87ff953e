//! The benchmark's check of deliveries (`benches/rivals/stream.rs`) must be able to fail. A benchmark
//! without a harness runs no tests, so they are here.

#[path = "../benches/rivals/stream.rs"]
#[allow(dead_code, reason = "the benchmark uses all of it")]
mod stream;
#[path = "../benches/rivals/wire.rs"]
#[allow(dead_code, reason = "the benchmark uses all of it")]
mod wire;

use stream::{Cycle, Place, Slowest, Stream, payload};

const CHANNEL: &[u8] = b"ch0";
const SIZE: usize = 20;
const CYCLE: usize = 7;

fn stream(publishers: usize) -> Stream {
    let message = |payload: &[u8]| wire::message(CHANNEL, payload);
    Stream::new(message, publishers, CYCLE, SIZE)
}

/// A publisher's message, by its number from the beginning on.
fn frame(publisher: usize, number: usize) -> Vec<u8> {
    wire::message(CHANNEL, &payload(publisher, number % CYCLE, SIZE))
}

fn frames(messages: &[(usize, usize)]) -> Vec<u8> {
    let frames = messages
        .iter()
        .map(|&(publisher, number)| frame(publisher, number));
    frames.collect::<Vec<_>>().concat()
}

/// The messages that a stream of so many publishers takes, or why it does not.
fn accept(publishers: usize, bytes: &[u8]) -> Result<u64, String> {
    let mut place = Place::default();
    match stream(publishers).accept(&mut place, bytes) {
        Ok(()) => Ok(place.messages),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn messages_are_taken_wherever_the_reads_cut_them() {
    let alone: Vec<_> = (0..3 * CYCLE).map(|number| (0, number)).collect();
    let mixed: Vec<_> = (0..2 * CYCLE)
        .flat_map(|n| [(2, n), (0, n), (1, n)])
        .collect();
    for (publishers, messages) in [(1, alone), (3, mixed)] {
        let (stream, bytes) = (stream(publishers), frames(&messages));
        for size in 1..=bytes.len() {
            let mut place = Place::default();
            for piece in bytes.chunks(size) {
                stream.accept(&mut place, piece).unwrap();
            }
            assert_eq!(place.messages, messages.len() as u64);
            assert!(place.is_between_messages());
        }
    }
}

#[test]
fn a_missing_a_repeated_and_a_swapped_message_are_seen() {
    for publishers in [1, 2] {
        assert!(accept(publishers, &frames(&[(0, 0), (0, 2)])).is_err());
        assert!(accept(publishers, &frames(&[(0, 1)])).is_err());
        assert!(accept(publishers, &frames(&[(0, 0), (0, 0)])).is_err());
        assert!(accept(publishers, &frames(&[(0, 0), (0, 2), (0, 1)])).is_err());
    }
    assert!(accept(2, &frames(&[(0, 0), (1, 0), (0, 1), (1, 2)])).is_err());
}

/// Every skip that is shorter than a cycle; the window keeps longer ones from being possible.
#[test]
fn no_skip_within_a_cycle_is_taken() {
    for skip in 1..CYCLE {
        assert!(accept(1, &frames(&[(0, 0), (0, 1 + skip)])).is_err());
    }
    assert_eq!(accept(1, &frames(&[(0, 0), (0, 1 + CYCLE)])), Ok(2));
}

#[test]
fn every_changed_lost_and_added_byte_is_seen() {
    for (publishers, bytes) in [
        (1, frames(&[(0, 0), (0, 1), (0, 2)])),
        (2, frames(&[(1, 0), (0, 0), (1, 1)])),
    ] {
        for at in 0..bytes.len() - frame(0, 0).len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert!(accept(publishers, &changed).is_err(), "changed at {at}");
            let mut lost = bytes.clone();
            lost.remove(at);
            assert!(accept(publishers, &lost).is_err(), "lost at {at}");
            let mut added = bytes.clone();
            added.insert(at, b'~');
            assert!(accept(publishers, &added).is_err(), "added at {at}");
        }
    }
}

#[test]
fn an_end_within_a_message_is_seen() {
    let (stream, bytes) = (stream(1), frame(0, 0));
    let mut place = Place::default();
    stream
        .accept(&mut place, &bytes[..bytes.len() - 1])
        .unwrap();
    assert_eq!(place.messages, 0);
    assert!(!place.is_between_messages());
}

#[test]
fn a_publisher_that_there_is_not_is_seen() {
    assert!(accept(2, &frame(2, 0)).is_err());
    assert!(accept(1, &frame(1, 0)).is_err());
    let other = wire::message(b"ch1", &payload(0, 0, SIZE));
    assert!(accept(1, &other).is_err());
}

#[test]
fn the_error_shows_what_came() {
    let error = accept(1, b"-ERR no such thing\r\n").unwrap_err();
    assert!(error.contains("-ERR no such thing"), "{error}");
}

#[test]
fn a_cycle_is_read_on_past_its_end() {
    let cycle = Cycle::new(2, |number| vec![b'0' + number as u8; 3]);
    assert_eq!(cycle.frame(), 3);
    assert_eq!(cycle.piece(0, 6), b"000111");
    assert_eq!(cycle.piece(6 + 3, 6 + 6), b"111");
    assert_eq!(cycle.piece(4, 9), b"11", "in one piece");
}

/// Against the plain minimum, in an order that is not the members'.
#[test]
fn the_slowest_is_the_least_of_all() {
    const SPREAD: u64 = 5;
    let mut counts = [0_u64; 4];
    let mut slowest = Slowest::new(counts.len(), SPREAD);
    for step in 0..1_000_usize {
        let member = (step * 7 + step / 3) % counts.len();
        let least = counts.into_iter().min().unwrap_or_default();
        let to = (counts[member] + 1 + step as u64 % 3).min(least + SPREAD);
        slowest.advance(counts[member], to);
        counts[member] = to;
        assert_eq!(Some(slowest.least()), counts.into_iter().min());
    }
    assert!(slowest.least() > 100);
}
