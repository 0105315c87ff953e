//! Replies as trees, for everything off the hot path.
//!
//! A command builds its reply once, as a RESP3 frame of the `redis-protocol` crate. [`encode`]
//! writes it as RESP3, or, for a RESP2 connection, as what Redis makes of the same reply: a map
//! becomes a flat array, a set an array, a verbatim string a bulk string.
//!
//! Numbers inside a frame must stay below 10^15: the crate's integer encoder errs above it
//! (integer replies go through [`Reply::Integer`](super::reply::Reply::Integer), which does not).

use bytes::{Bytes, BytesMut};
use redis_protocol::resp2;
use redis_protocol::resp3::{self, types::VerbatimStringFormat};

use super::Protocol;

/// A reply tree.
pub(crate) type Frame = resp3::types::BytesFrame;

/// A bulk string.
pub(crate) fn bulk(data: impl Into<Bytes>) -> Frame {
    Frame::BlobString {
        data: data.into(),
        attributes: None,
    }
}

/// A bulk string of text that was built at run time.
pub(crate) fn text(data: String) -> Frame {
    bulk(data.into_bytes())
}

/// A status reply (`+OK`).
pub(crate) fn status(data: &'static str) -> Frame {
    Frame::SimpleString {
        data: Bytes::from_static(data.as_bytes()),
        attributes: None,
    }
}

/// An integer; see the module's limit.
pub(crate) fn integer(data: i64) -> Frame {
    Frame::Number {
        data,
        attributes: None,
    }
}

/// A floating-point number; RESP2 shows a bulk string.
pub(crate) fn double(data: f64) -> Frame {
    Frame::Double {
        data,
        attributes: None,
    }
}

/// An array.
pub(crate) fn array(data: impl IntoIterator<Item = Frame>) -> Frame {
    Frame::Array {
        data: data.into_iter().collect(),
        attributes: None,
    }
}

/// A set; RESP2 shows an array.
pub(crate) fn set(data: impl IntoIterator<Item = Frame>) -> Frame {
    Frame::Set {
        data: data.into_iter().collect(),
        attributes: None,
    }
}

/// A map that keeps the order of its keys; RESP2 shows a flat array.
pub(crate) fn map(data: impl IntoIterator<Item = (Frame, Frame)>) -> Frame {
    Frame::Map {
        data: data.into_iter().collect(),
        attributes: None,
    }
}

/// Human-readable text, `txt` in RESP3; RESP2 shows a bulk string.
pub(crate) fn verbatim(data: impl Into<Bytes>) -> Frame {
    Frame::VerbatimString {
        data: data.into(),
        format: VerbatimStringFormat::Text,
        attributes: None,
    }
}

/// Appends `frame` to `out` as `protocol` has it.
pub(crate) fn encode(out: &mut BytesMut, frame: Frame, protocol: Protocol) {
    let written = match protocol {
        Protocol::Resp3 => resp3::encode::complete::extend_encode(out, &frame, false),
        Protocol::Resp2 => resp2::encode::extend_encode(out, &downgrade(frame), false),
    };
    written.expect("the buffer grows with the frame, so encoding it cannot fail");
}

/// What a RESP2 connection is shown of a RESP3 reply.
fn downgrade(frame: Frame) -> resp2::types::BytesFrame {
    use resp2::types::BytesFrame as Resp2;
    match frame {
        Frame::BlobString { data, .. }
        | Frame::VerbatimString { data, .. }
        | Frame::BigNumber { data, .. }
        | Frame::BlobError { data, .. }
        | Frame::ChunkedString(data) => Resp2::BulkString(data),
        Frame::SimpleString { data, .. } => Resp2::SimpleString(data),
        Frame::SimpleError { data, .. } => Resp2::Error(data),
        Frame::Boolean { data, .. } => Resp2::Integer(data.into()),
        Frame::Number { data, .. } => Resp2::Integer(data),
        Frame::Double { data, .. } => Resp2::BulkString(data.to_string().into()),
        Frame::Array { data, .. } | Frame::Push { data, .. } => {
            Resp2::Array(data.into_iter().map(downgrade).collect())
        }
        Frame::Set { data, .. } => Resp2::Array(data.into_iter().map(downgrade).collect()),
        Frame::Map { data, .. } => Resp2::Array(
            data.into_iter()
                .flat_map(|(key, value)| [downgrade(key), downgrade(value)])
                .collect(),
        ),
        Frame::Null | Frame::Hello { .. } => Resp2::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(frame: Frame) -> (Vec<u8>, Vec<u8>) {
        let (mut two, mut three) = (BytesMut::new(), BytesMut::new());
        encode(&mut two, frame.clone(), Protocol::Resp2);
        encode(&mut three, frame, Protocol::Resp3);
        (two.to_vec(), three.to_vec())
    }

    #[test]
    fn aggregates_and_text_in_both_protocols() {
        let frame = map([
            (bulk("k"), array([integer(1), Frame::Null])),
            (bulk("s"), set([status("a")])),
            (bulk("v"), verbatim("hi")),
        ]);
        let (two, three) = both(frame);
        assert_eq!(
            two,
            b"*6\r\n$1\r\nk\r\n*2\r\n:1\r\n$-1\r\n$1\r\ns\r\n*1\r\n+a\r\n$1\r\nv\r\n$2\r\nhi\r\n"
        );
        assert_eq!(
            three,
            b"%3\r\n$1\r\nk\r\n*2\r\n:1\r\n_\r\n$1\r\ns\r\n~1\r\n+a\r\n$1\r\nv\r\n=6\r\ntxt:hi\r\n"
        );
    }

    #[test]
    fn an_empty_map_is_an_empty_array_in_resp2() {
        assert_eq!(both(map([])), (b"*0\r\n".to_vec(), b"%0\r\n".to_vec()));
    }
}
