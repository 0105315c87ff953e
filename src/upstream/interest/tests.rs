//! Tests of the states of names.

use super::*;

const C: Namespace = Namespace::Channel;

fn name(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn request(verb: Verb, names: &[&'static str]) -> Option<Request> {
    Some(Request {
        verb,
        namespace: C,
        names: names.iter().map(|text| name(text)).collect(),
    })
}

/// A machine with a connection.
fn connected() -> Interests {
    let mut interests = Interests::default();
    interests.connected();
    interests
}

/// A machine in which the client 1 has got the channel `a`.
fn confirmed() -> Interests {
    let mut interests = connected();
    interests.hold(C, &name("a"));
    assert!(!interests.use_or_wait(C, &name("a"), 1));
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
    assert_eq!(interests.copies(C, b"a"), 0);
    assert_eq!(interests.confirmed(C, b"a"), Some(vec![1]));
    assert!(interests.use_or_wait(C, &name("a"), 1));
    interests.release(C, b"a", 1);
    assert_eq!(interests.copies(C, b"a"), 1);
    interests
}

#[test]
fn a_name_is_asked_for_once_and_used_once_it_is_confirmed() {
    let mut interests = connected();
    for client in 1..=3 {
        interests.hold(C, &name("a"));
        assert!(!interests.use_or_wait(C, &name("a"), client));
    }
    assert!(!interests.use_all(C, &[name("a")]));
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
    assert_eq!(interests.next_request(), None);
    assert_eq!(interests.confirmed(C, b"a"), Some(vec![1, 2, 3]));
    assert!(interests.use_all(C, &[name("a"), name("a")]));
    assert!(!interests.use_all(C, &[name("a"), name("b")]));
}

#[test]
fn a_confirmation_that_nobody_has_asked_for_is_seen() {
    let mut interests = confirmed();
    assert_eq!(interests.confirmed(C, b"a"), None);
    assert_eq!(interests.confirmed(C, b"b"), None);
    assert!(!interests.left(C, b"b"));
}

#[test]
fn a_name_lingers_before_it_is_given_up() {
    let mut interests = confirmed();
    let now = Instant::now();
    interests.idle(C, b"a", now);
    interests.expire(now + LINGER / 2);
    assert_eq!(interests.next_request(), None);
    interests.expire(now + LINGER);
    assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
    // The hub still sends its messages.
    assert_eq!(interests.copies(C, b"a"), 1);
    assert!(interests.left(C, b"a"));
    assert_eq!((interests.copies(C, b"a"), interests.len(C)), (0, 0));
}

#[test]
fn a_lingering_name_is_confirmed_at_once_and_lingers_anew() {
    let mut interests = confirmed();
    let now = Instant::now();
    for round in 0..100 {
        interests.idle(C, b"a", now + LINGER * round / 1000);
        assert!(interests.use_all(C, &[name("a")]));
    }
    assert_eq!(interests.lingering.len(), 1, "it is queued once");
    let last = now + LINGER / 2;
    interests.idle(C, b"a", last);
    interests.expire(now + LINGER);
    assert_eq!(interests.next_request(), None, "it was used meanwhile");
    interests.expire(last + LINGER);
    assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
}

#[test]
fn names_that_linger_take_bounded_memory() {
    let mut interests = connected();
    let now = Instant::now();
    let long = vec![b'x'; MOST_LINGERING / 4];
    let mut left = 0;
    for number in 0..10_u8 {
        let name = Bytes::from([&[number], &long[..]].concat());
        interests.hold(C, &name);
        while let Some(request) = interests.next_request() {
            left += usize::from(request.verb == Verb::Unsubscribe);
        }
        assert!(interests.confirmed(C, &name).is_some());
        interests.release(C, &name, 1);
        interests.idle(C, &name, now);
        assert!(interests.lingering_bytes <= MOST_LINGERING);
    }
    assert_eq!(interests.lingering.len(), 3);
    assert!(interests.next_request().is_some());
    assert_eq!(left + 1, 7);
}

#[test]
fn a_used_name_is_not_given_up() {
    let mut interests = confirmed();
    let now = Instant::now();
    interests.idle(C, b"a", now);
    assert!(interests.use_all(C, &[name("a")]));
    interests.expire(now + LINGER);
    assert_eq!(interests.next_request(), None);
    assert!(interests.lingering.is_empty());
    // A SUBSCRIBE that waits for another name holds it.
    interests.hold(C, &name("a"));
    interests.idle(C, b"a", now);
    interests.expire(now + LINGER);
    assert_eq!(interests.next_request(), None);
}

#[test]
fn a_name_that_is_wanted_while_it_is_left_is_asked_for_again() {
    let mut interests = confirmed();
    let now = Instant::now();
    interests.idle(C, b"a", now);
    interests.expire(now + LINGER);
    interests.hold(C, &name("a"));
    assert!(!interests.use_or_wait(C, &name("a"), 2));
    assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
    assert_eq!(interests.copies(C, b"a"), 1);
    assert!(interests.left(C, b"a"));
    assert_eq!(interests.copies(C, b"a"), 0);
    assert_eq!(interests.confirmed(C, b"a"), Some(vec![2]));
    assert_eq!(interests.copies(C, b"a"), 1);
}

#[test]
fn a_name_that_nobody_waits_for_any_more_is_confirmed_before_it_is_given_up() {
    let mut interests = connected();
    interests.hold(C, &name("a"));
    assert!(!interests.use_or_wait(C, &name("a"), 1));
    interests.release(C, b"a", 1);
    let now = Instant::now();
    interests.idle(C, b"a", now);
    interests.expire(now + LINGER);
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
    assert_eq!(interests.next_request(), None);
    assert_eq!(interests.confirmed(C, b"a"), Some(vec![]));
    interests.idle(C, b"a", now);
    interests.expire(now + LINGER);
    assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
}

#[test]
fn a_refused_name_is_absent() {
    let mut interests = connected();
    interests.hold(C, &name("a"));
    assert!(!interests.use_or_wait(C, &name("a"), 7));
    assert_eq!(interests.refused(C, b"a"), [7]);
    interests.release(C, b"a", 7);
    assert_eq!(interests.len(C), 0);
}

#[test]
fn without_a_connection_a_name_that_nobody_waits_for_is_absent() {
    let mut interests = Interests::default();
    for _ in 0..10 {
        interests.hold(C, &name("a"));
        assert!(!interests.use_or_wait(C, &name("a"), 1));
        interests.release(C, b"a", 1);
        interests.idle(C, b"a", Instant::now());
    }
    assert_eq!((interests.len(C), interests.wanted.len()), (0, 0));
    interests.hold(C, &name("b"));
    interests.connected();
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["b"]));
}

#[test]
fn names_in_use_are_asked_for_again_after_a_loss() {
    let mut interests = confirmed();
    interests.hold(C, &name("waiting"));
    assert!(!interests.use_or_wait(C, &name("waiting"), 2));
    assert!(interests.next_request().is_some());
    interests.lost(|_, name| name == b"a");
    assert_eq!(interests.next_request(), None);
    interests.connected();
    let request = interests.next_request().unwrap();
    let mut names = request.names;
    names.sort();
    assert_eq!(names, ["a", "waiting"]);
    assert_eq!(interests.copies(C, b"a"), 0);
    assert!(!interests.use_all(C, &[name("a")]));
    assert_eq!(interests.confirmed(C, b"waiting"), Some(vec![2]));
    interests.lost(|_, _| false);
    // The client that has got it has released nothing yet.
    assert_eq!(interests.len(C), 1);
}

#[test]
fn a_request_has_at_most_so_many_names_of_one_kind() {
    let mut interests = connected();
    for number in 0..MOST_NAMES + 1 {
        interests.hold(C, &Bytes::from(number.to_string()));
    }
    interests.hold(Namespace::Pattern, &name("p*"));
    let next = |interests: &mut Interests| {
        let request = interests.next_request()?;
        Some((request.namespace, request.names.len()))
    };
    assert_eq!(next(&mut interests), Some((C, MOST_NAMES)));
    assert_eq!(next(&mut interests), Some((C, 1)));
    assert_eq!(next(&mut interests), Some((Namespace::Pattern, 1)));
    assert_eq!(next(&mut interests), None);
}

#[test]
fn copies_count_the_channel_and_each_pattern() {
    let mut interests = confirmed();
    for pattern in ["a*", "*", "b*"] {
        interests.hold(Namespace::Pattern, &name(pattern));
        assert!(
            interests
                .confirmed(Namespace::Pattern, pattern.as_bytes())
                .is_some()
        );
    }
    assert_eq!(interests.copies(C, b"a"), 3);
    assert_eq!(interests.copies(Namespace::Shard, b"a"), 0);
    assert!(interests.left(Namespace::Pattern, b"*"));
    assert_eq!(interests.copies(C, b"a"), 2);
}

#[test]
fn a_name_that_an_unfinished_subscribe_names_is_not_given_up() {
    let mut interests = confirmed();
    let now = Instant::now();
    interests.idle(C, b"a", now);
    interests.hold(C, &name("a"));
    interests.expire(now + 2 * LINGER);
    assert_eq!(interests.next_request(), None);
    assert!(interests.use_all(C, &[name("a")]));
    interests.release(C, b"a", 2);
    interests.idle(C, b"a", now);
    interests.expire(now + 2 * LINGER);
    assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
}

/// The client 2 names it, and waits for another name first.
#[test]
fn a_refused_name_that_others_name_is_asked_for_again() {
    let mut interests = connected();
    interests.hold(C, &name("a"));
    interests.hold(C, &name("a"));
    assert!(!interests.use_or_wait(C, &name("a"), 1));
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
    assert_eq!(interests.refused(C, b"a"), [1]);
    interests.release(C, b"a", 1);
    assert_eq!(interests.len(C), 1);
    assert!(!interests.use_or_wait(C, &name("a"), 2));
    assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
    assert_eq!(interests.refused(C, b"a"), [2]);
    interests.release(C, b"a", 2);
    assert_eq!(interests.len(C), 0);
}
