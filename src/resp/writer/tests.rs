//! Both forms of a writer against each other, and replies against another crate's decoder.

use proptest::collection::vec;
use proptest::prelude::*;
use redis_protocol::resp3::decode::complete::decode_bytes;
use redis_protocol::resp3::types::{BytesFrame, VerbatimStringFormat};

use super::*;
use crate::resp::reply::{array, bulk, double, integer, map, set, status, verbatim};

const BOTH: [Protocol; 2] = [Protocol::Resp2, Protocol::Resp3];

fn encoded(reply: Reply, protocol: Protocol) -> Vec<u8> {
    let mut out = Replies::default();
    reply.encode(&mut out, protocol);
    out.take_all()
}

/// Asserts both encodings of a reply, with line breaks written as spaces.
#[track_caller]
fn assert_encodings(reply: Reply, resp2: &str, resp3: &str) {
    let shown = |protocol| {
        let bytes = encoded(reply.clone(), protocol).to_vec();
        String::from_utf8(bytes).unwrap().replace("\r\n", " ")
    };
    assert_eq!(shown(Protocol::Resp2), resp2);
    assert_eq!(shown(Protocol::Resp3), resp3);
}

#[test]
fn every_kind_has_its_shape_in_both_protocols() {
    let error = |text| Reply::Error(Box::new(CommandError::text(text)));
    let big = || Reply::BigNumber("1234567999999999999999999999999999999".into());
    for (reply, resp2, resp3) in [
        (Reply::Sent, "", ""),
        (Reply::OK, "+OK ", "+OK "),
        (status("none"), "+none ", "+none "),
        (status("a\r\nb"), "+a  b ", "+a  b "),
        (error("ERR a\nb\r\n"), "-ERR a b ", "-ERR a b "),
        (error("\r\n"), "- ", "- "),
        (
            integer(i64::MIN),
            ":-9223372036854775808 ",
            ":-9223372036854775808 ",
        ),
        // Near these numbers redis-protocol's encoder is wrong.
        (
            integer(999_999_999_999_999),
            ":999999999999999 ",
            ":999999999999999 ",
        ),
        (double(1.5), "$3 1.5 ", ",1.5 "),
        (double(f64::NEG_INFINITY), "$4 -inf ", ",-inf "),
        (
            big(),
            "$37 1234567999999999999999999999999999999 ",
            "(1234567999999999999999999999999999999 ",
        ),
        (Reply::Boolean(true), ":1 ", "#t "),
        (Reply::Boolean(false), ":0 ", "#f "),
        (bulk("a"), "$1 a ", "$1 a "),
        (bulk(""), "$0  ", "$0  "),
        (verbatim("hi"), "$2 hi ", "=6 txt:hi "),
        (Reply::Null, "$-1 ", "_ "),
        (Reply::NullArray, "*-1 ", "_ "),
        (array([integer(1), Reply::Null]), "*2 :1 $-1 ", "*2 :1 _ "),
        (set([status("a")]), "*1 +a ", "~1 +a "),
        (set([]), "*0 ", "~0 "),
        (Reply::Map(Vec::new()), "*0 ", "%0 "),
        (Reply::Pairs(Vec::new()), "*0 ", "*0 "),
        (
            Reply::Pairs(vec![(bulk("a"), double(1.0)), (bulk("b"), double(2.0))]),
            "*4 $1 a $1 1 $1 b $1 2 ",
            "*2 *2 $1 a ,1 *2 $1 b ,2 ",
        ),
        (Reply::NestedMap(Vec::new()), "*0 ", "%0 "),
        (
            Reply::NestedMap(vec![(bulk("a"), integer(1)), (bulk("b"), integer(2))]),
            "*2 *2 $1 a :1 *2 $1 b :2 ",
            "%2 $1 a :1 $1 b :2 ",
        ),
    ] {
        assert_encodings(reply, resp2, resp3);
    }
}

#[test]
fn a_map_keeps_its_order_and_takes_any_key() {
    let reply = map([
        (array([integer(2)]), bulk("b")),
        (set([]), Reply::Boolean(true)),
        (array([integer(2)]), map([("k", integer(1))])),
    ]);
    let resp2 = "*6 *1 :2 $1 b *0 :1 *1 :2 *2 $1 k :1 ";
    assert_encodings(reply, resp2, "%3 *1 :2 $1 b ~0 #t *1 :2 %1 $1 k :1 ");
}

#[test]
fn nothing_written_is_no_reply() {
    let mut builder = ReplyBuilder::with_room(usize::MAX);
    ReplyWriter::value(&mut builder).put(Reply::Sent);
    assert_eq!(builder.finish(), Reply::Sent);
}

#[test]
fn a_reply_that_needs_more_than_the_room_leaves_nothing() {
    let write = |room| {
        let mut builder = ReplyBuilder::with_room(room);
        let mut out = ReplyWriter::value(&mut builder);
        out.array(2);
        out.bulk(b"12345");
        out.shared_bulk(Bytes::from_static(b"1234567890"));
        let starved = out.is_starved();
        assert_eq!(builder.is_starved(), starved);
        (!starved).then(|| builder.finish())
    };
    let needed = 2 * size_of::<Reply>() + 15;
    assert_eq!(
        write(needed),
        Some(array([bulk("12345"), bulk("1234567890")]))
    );
    for room in [0, needed - 11, needed - 1] {
        assert_eq!(write(room), None, "{room} bytes");
    }
}

#[test]
#[should_panic(expected = "incomplete")]
fn a_reply_that_is_not_complete_is_a_mistake() {
    let mut builder = ReplyBuilder::with_room(usize::MAX);
    let mut out = ReplyWriter::value(&mut builder);
    out.map(1);
    out.bulk(b"a key without a value");
    builder.finish();
}

#[test]
#[should_panic(expected = "a second reply")]
fn two_replies_are_a_mistake() {
    let mut builder = ReplyBuilder::with_room(usize::MAX);
    let mut out = ReplyWriter::value(&mut builder);
    out.integer(1);
    out.integer(2);
}

fn any_bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let error = |quoted: Bytes| CommandError::Quoting {
        before: "ERR ",
        quoted: quoted.to_vec(),
        after: "".into(),
    };
    let leaf = prop_oneof![
        Just(Reply::OK),
        any_bytes().prop_map(Reply::Status),
        any_bytes().prop_map(move |quoted| Reply::Error(Box::new(error(quoted)))),
        any::<i64>().prop_map(Reply::Integer),
        any::<f64>().prop_map(Reply::Double),
        any::<i64>().prop_map(|number| Reply::Decimal(format!("{number}.25").into())),
        any::<i128>().prop_map(|number| Reply::BigNumber(number.to_string().into())),
        any::<bool>().prop_map(Reply::Boolean),
        any_bytes().prop_map(Reply::Bulk),
        any_bytes().prop_map(Reply::Verbatim),
        Just(Reply::Null),
        Just(Reply::NullArray),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Reply::Array),
            vec(inner.clone(), 0..6).prop_map(Reply::Set),
            vec((inner.clone(), inner.clone()), 0..6).prop_map(Reply::Map),
            vec((inner.clone(), inner.clone()), 0..6).prop_map(Reply::Pairs),
            vec((inner.clone(), inner), 0..6).prop_map(Reply::NestedMap),
        ]
    })
}

/// Writes a reply piece by piece. A part for which `whole` returns true is written at once.
fn stream(out: &mut ReplyWriter<'_>, reply: &Reply, whole: &mut impl FnMut() -> bool) {
    if whole() {
        return out.put(reply.clone());
    }
    match reply {
        Reply::Status(text) => out.status(text),
        Reply::Error(error) => out.error(error),
        Reply::Integer(number) => out.integer(*number),
        Reply::Double(number) => out.double(*number),
        Reply::Decimal(digits) => out.decimal(digits),
        Reply::Bulk(data) => out.bulk(data),
        Reply::Null => out.null(),
        Reply::NullArray => out.null_array(),
        Reply::Array(items) => {
            out.array(items.len());
            items.iter().for_each(|item| stream(out, item, whole));
        }
        Reply::Set(members) => {
            out.set(members.len());
            members.iter().for_each(|member| stream(out, member, whole));
        }
        Reply::Map(pairs) => {
            out.map(pairs.len());
            for (key, value) in pairs {
                stream(out, key, whole);
                stream(out, value, whole);
            }
        }
        Reply::Pairs(pairs) => {
            out.pairs(pairs.len());
            for (first, second) in pairs {
                out.pair();
                stream(out, first, whole);
                stream(out, second, whole);
            }
        }
        Reply::NestedMap(entries) => {
            out.nested_map(entries.len());
            for (key, value) in entries {
                out.nested_entry();
                stream(out, key, whole);
                stream(out, value, whole);
            }
        }
        Reply::Sent
        | Reply::Static(_)
        | Reply::BigNumber(_)
        | Reply::Boolean(_)
        | Reply::Verbatim(_) => out.put(reply.clone()),
    }
}

/// Converts a decoded RESP3 frame to a reply. The whole text of an error becomes one fixed text.
fn read(frame: BytesFrame) -> Reply {
    match frame {
        BytesFrame::SimpleString { data, .. } => Reply::Status(data),
        BytesFrame::SimpleError { data, .. } => {
            let text = CommandError::Text(data.to_string().into());
            Reply::Error(Box::new(text))
        }
        BytesFrame::Number { data, .. } => Reply::Integer(data),
        BytesFrame::Double { data, .. } => Reply::Double(data),
        BytesFrame::BigNumber { data, .. } => Reply::BigNumber(data),
        BytesFrame::Boolean { data, .. } => Reply::Boolean(data),
        BytesFrame::BlobString { data, .. } => Reply::Bulk(data),
        BytesFrame::VerbatimString { data, format, .. } => {
            assert_eq!(format, VerbatimStringFormat::Text);
            Reply::Verbatim(data)
        }
        BytesFrame::Null => Reply::Null,
        BytesFrame::Array { data, .. } => Reply::Array(data.into_iter().map(read).collect()),
        other => panic!("{other:?}"),
    }
}

/// A reply that decodes to itself. It has no status or error with line breaks, and no map or set
/// with aggregates in it, which redis-protocol cannot represent.
fn readable_reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        "[a-z ]{0,9}".prop_map(|text| Reply::Status(text.into())),
        "[A-Z]{1,5} [a-z]{0,9}".prop_map(|text| {
            let text = CommandError::Text(text.into());
            Reply::Error(Box::new(text))
        }),
        any::<i64>().prop_map(Reply::Integer),
        any::<f64>().prop_map(Reply::Double),
        any::<i128>().prop_map(|number| Reply::BigNumber(number.to_string().into())),
        any::<bool>().prop_map(Reply::Boolean),
        any_bytes().prop_map(Reply::Bulk),
        any_bytes().prop_map(Reply::Verbatim),
        Just(Reply::Null),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| vec(inner, 0..6).prop_map(Reply::Array))
}

proptest! {
    #[test]
    fn the_value_encodes_to_what_the_wire_gets(
        reply in any_reply(),
        wholes in vec(any::<bool>(), 1..50),
    ) {
        let choices = || {
            let mut choices = wholes.iter().copied().cycle();
            move || choices.next().unwrap_or_default()
        };
        let mut builder = ReplyBuilder::with_room(usize::MAX);
        stream(&mut ReplyWriter::value(&mut builder), &reply, &mut choices());
        let value = builder.finish();
        for protocol in BOTH {
            let mut wire = Replies::default();
            stream(&mut ReplyWriter::wire(&mut wire, protocol), &reply, &mut choices());
            let wire = wire.take_all();
            prop_assert_eq!(&encoded(value.clone(), protocol), &wire);
            prop_assert_eq!(encoded(reply.clone(), protocol), wire);
        }
        prop_assert_eq!(value, reply);
    }

    #[test]
    fn a_decoder_reads_what_was_encoded(reply in readable_reply()) {
        let bytes = Bytes::from(encoded(reply.clone(), Protocol::Resp3));
        let (frame, length) = decode_bytes(&bytes).unwrap().expect("a whole frame");
        prop_assert_eq!(length, bytes.len());
        prop_assert_eq!(read(frame), reply);
    }
}
