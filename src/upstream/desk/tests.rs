//! Tests of the desk: when a probe is a loss, when all is settled, and when a client is subscribed.

use super::super::LOOP;
use super::*;
use crate::client::Addresses;
use crate::client::socket::Socket;
use crate::config::OutputLimits;
use crate::pubsub::registry::Subscriber;

const PROBE: &[u8] = b"probe";

fn connected() -> (Desk, Registry) {
    let mut desk = Desk::default();
    desk.connected();
    (desk, Registry::with_emptied())
}

/// The hub's reply to a probe, and to the question after it.
fn answer(desk: &mut Desk, registry: &Registry, reply: &Frame<'_>) -> Result<(), Loss> {
    desk.reply(reply, registry)?;
    let role = Frame::List(vec![Frame::Bulk(b"master")]);
    desk.reply(&role, registry).map(drop)
}

#[test]
fn a_probe_is_back_before_the_reply_to_the_next_one() {
    let (mut desk, registry) = connected();
    for _ in 0..3 {
        assert!(desk.probe(PROBE));
        assert!(!desk.probe(PROBE), "one at a time");
        answer(&mut desk, &registry, &Frame::Integer(1)).unwrap();
        desk.probe_came_back();
    }
    // Others may publish there too; that does not make up for it.
    desk.probe_came_back();
    assert!(desk.probe(PROBE));
    answer(&mut desk, &registry, &Frame::Integer(1)).unwrap();
    assert!(desk.probe(PROBE));
    let lost = answer(&mut desk, &registry, &Frame::Integer(1));
    assert!(matches!(lost, Err(Loss::Probe)), "{lost:?}");
}

#[test]
fn a_probe_that_reaches_nobody_or_is_refused_is_a_loss() {
    for (reply, expected) in [
        (Frame::Integer(0), Loss::Probe),
        (Frame::Error(b"NOPERM no"), Loss::Refused(String::new())),
        (Frame::Error(LOOP.as_bytes()), Loss::Loop),
    ] {
        let (mut desk, registry) = connected();
        assert!(desk.probe(PROBE));
        let lost = answer(&mut desk, &registry, &reply).unwrap_err();
        assert_eq!(lost.reason(), expected.reason());
    }
}

/// A hub that is an edge itself, and whose own hub is slow for a moment, has not lost anything.
#[test]
fn a_probe_that_found_no_room_is_no_loss() {
    let (mut desk, registry) = connected();
    let full = FULL.wire_text();
    for _ in 0..3 {
        assert!(desk.probe(PROBE));
        answer(&mut desk, &registry, &Frame::Error(&full)).unwrap();
    }
    assert!(desk.probe(PROBE));
    answer(&mut desk, &registry, &Frame::Integer(1)).unwrap();
}

#[test]
fn all_is_settled_once_a_probe_behind_the_last_reply_is_back() {
    let (mut desk, registry) = connected();
    let (sender, mut answered) = oneshot::channel();
    let mut run = Run::default();
    run.publish(Namespace::Channel, b"c", b"x", true);
    assert_eq!(desk.publish(run, sender, 1000), 0);
    let mut is_probed = false;
    assert!(!desk.settle(PROBE, &mut is_probed) && !is_probed);
    desk.reply(&Frame::Integer(0), &registry).unwrap();
    assert_eq!(answered.try_recv().unwrap().bytes, b":0\r\n"[..]);
    assert!(!desk.settle(PROBE, &mut is_probed) && is_probed);
    answer(&mut desk, &registry, &Frame::Integer(1)).unwrap();
    assert!(!desk.settle(PROBE, &mut is_probed));
    desk.probe_came_back();
    assert!(desk.settle(PROBE, &mut is_probed));
    // Without a connection nothing is on the way.
    desk.lost(&registry, false);
    assert!(desk.settle(PROBE, &mut false));
}

/// A SUBSCRIBE is carried out at one place in the stream, also if the connection is lost meanwhile.
#[tokio::test]
async fn a_client_is_subscribed_to_all_of_its_names_at_once() {
    const C: Namespace = Namespace::Channel;
    let (mut desk, registry) = connected();
    let (ours, _theirs) = tokio::net::UnixStream::pair().unwrap();
    let addresses = Addresses::unix(Arc::default());
    let client = Arc::new(Client::new(1, addresses, Socket::from(ours)));
    let limits = OutputLimits::default();
    let subscriber = Subscriber {
        client: &client,
        limits: &limits,
    };
    let names = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
    let until = Instant::now() + Duration::from_secs(1000);
    let bounds = (until, u64::MAX);
    let answered = desk.subscribe(&registry, subscriber, C, names, bounds);
    let mut answered = answered.expect("it waits");
    let confirm = |desk: &mut Desk, name: &[u8]| {
        let woken = desk.confirmation(true, C, name, &registry, &limits);
        woken.unwrap();
        [b"a", b"b"].map(|name| registry.has_subscribers(C, name))
    };
    assert_eq!(confirm(&mut desk, b"a"), [false, false]);
    desk.lost(&registry, false);
    desk.connected();
    let Some(Expected::Names(request, _)) = desk.expected.front().map(|entry| &entry.what) else {
        panic!("{desk:?} asks for no names");
    };
    let order = request.names.clone();
    assert_eq!(confirm(&mut desk, &order[0]), [false, false]);
    assert!(answered.try_recv().is_err());
    assert_eq!(confirm(&mut desk, &order[1]), [true, true]);
    assert!(answered.try_recv().unwrap().errors.is_empty());
}
