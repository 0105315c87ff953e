//! Single cases, with what redis-server 7.0.15 does.

use super::super::*;

fn texts(texts: &[&'static str]) -> impl ExactSizeIterator<Item = &'static [u8]> + Clone {
    let texts = texts.to_vec();
    texts.into_iter().map(str::as_bytes)
}

/// A log with the entries 1-0 to `count`-0.
fn log(count: u64) -> Log {
    let mut log = Log::default();
    for ms in 1..=count {
        log.append(StreamId::new(ms, 0), texts(&["a", "b"]), Limits::default());
    }
    log
}

fn id(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn trim(log: &mut Log, to: TrimTo, approximate: Option<u64>) -> u64 {
    log.trim(Trim { to, approximate }).entries
}

#[test]
fn only_whole_blocks_go_if_it_may_be_approximate() {
    let mut log = log(1000);
    assert_eq!(log.blocks(), 10);
    assert_eq!(trim(&mut log, TrimTo::Length(550), Some(0)), 400);
    assert_eq!(trim(&mut log, TrimTo::Length(500), Some(99)), 0);
    assert_eq!(trim(&mut log, TrimTo::Length(500), Some(100)), 100);
    assert_eq!(trim(&mut log, TrimTo::MinId(id(650)), Some(0)), 100);
    assert_eq!(trim(&mut log, TrimTo::MinId(id(650)), None), 49);
    assert_eq!(log.first_id(), Some(id(650)));
    // A block that has lost entries still goes as a whole.
    assert_eq!(trim(&mut log, TrimTo::Length(300), Some(51)), 51);
    assert_eq!(trim(&mut log, TrimTo::Length(0), None), 300);
    assert_eq!((log.len(), log.memory(), log.blocks()), (0, 0, 0));
    assert_eq!((log.last_id, log.entries_added), (id(1000), 1000));
}

#[test]
fn the_lag_is_what_the_counters_tell() {
    let mut log = log(5);
    let mut group = Group::new(StreamId::MIN, Some(0));
    assert_eq!(group.lag(&log), Some(5));
    group.advance(id(1), &log);
    assert_eq!((group.entries_read, group.lag(&log)), (Some(1), Some(4)));
    // Deleting an entry that is to come makes it unknown, until no hole is ahead.
    assert!(log.delete(id(3)));
    assert_eq!(group.lag(&log), None);
    group.advance(id(2), &log);
    assert_eq!((group.entries_read, group.lag(&log)), (None, None));
    group.advance(id(4), &log);
    assert_eq!((group.entries_read, group.lag(&log)), (None, None));
    group.advance(id(5), &log);
    assert_eq!((group.entries_read, group.lag(&log)), (Some(5), Some(0)));
    // What was trimmed is counted as read.
    let group = Group::new(StreamId::MIN, None);
    assert_eq!(group.lag(&log), None);
    assert_eq!(trim(&mut log, TrimTo::MinId(id(4)), None), 2);
    assert_eq!(group.lag(&log), Some(2));
    assert_eq!(Group::new(id(4), None).lag(&log), Some(1));
    assert_eq!(Group::new(id(9), None).lag(&log), None);
    // XGROUP believes whatever it is told.
    assert_eq!(Group::new(StreamId::MIN, Some(100)).lag(&log), Some(-95));
    assert!(log.delete(id(4)) && log.delete(id(5)));
    assert_eq!(Group::new(id(5), None).lag(&log), Some(0));
    assert_eq!(Group::new(id(9), None).lag(&log), None);
    assert_eq!(Group::new(id(9), None).lag(&Log::default()), Some(0));
}

#[test]
fn an_empty_stream_stays_a_stream() {
    let stream = Stream::default();
    assert!(!ValueType::is_empty(&stream));
    assert_eq!((stream.memory(), stream.encoding()), (0, "stream"));
}

#[test]
fn what_was_trimmed_and_a_group_are_freed_by_others_if_they_are_large() {
    let mut log = log(100_000);
    let trimmed = log.trim(Trim {
        to: TrimTo::Length(10),
        approximate: None,
    });
    assert!(trimmed.free_cost() > 900);
    assert_eq!((trimmed.entries, log.len(), log.blocks()), (99_990, 10, 1));

    let mut group = Group::new(StreamId::MIN, None);
    let consumer = group.create_consumer(b"c", 0).unwrap();
    for ms in 0..100_000 {
        group.deliver(
            id(ms),
            Delivery {
                consumer,
                delivered_at: 0,
                deliveries: 1,
            },
        );
    }
    assert!(group.free_cost() > 3000);
    assert!(group.memory() < 60 * 100_000);
}
