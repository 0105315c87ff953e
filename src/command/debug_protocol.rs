//! DEBUG PROTOCOL: a sample of each type of reply, for tests of client libraries.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, double, integer, map, set, verbatim};

const UNKNOWN: CommandError = CommandError::text(
    "ERR Wrong protocol type name. Please use one of the following: \
     string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);
const NOT_IN_RESP2: CommandError = CommandError::text("ERR RESP2 is not supported by this command");

#[expect(clippy::approx_constant, reason = "Redis's sample is not pi")]
const DOUBLE: f64 = 3.141;
/// A string with an attribute, which a [`Reply`] cannot hold.
const WITH_ATTRIBUTE: Reply = Reply::Static(
    b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n\
      $39\r\nSome real reply following the attribute\r\n",
);
/// A push message and the reply after it.
const WITH_PUSH: Reply = Reply::Static(
    b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n\
      $40\r\nSome real reply following the push reply\r\n",
);

/// The sample of a type, the same as in Redis.
///
/// # Errors
/// There is no such type, or RESP2 does not have it.
pub(crate) fn sample(name: &[u8], protocol: Protocol) -> Result<Reply, CommandError> {
    let is_resp2 = protocol == Protocol::Resp2;
    Ok(match name.to_ascii_lowercase().as_slice() {
        b"string" => bulk("Hello World"),
        b"integer" => integer(12345),
        b"double" => double(DOUBLE),
        b"bignum" => Reply::BigNumber("1234567999999999999999999999999999999".into()),
        b"null" => Reply::Null,
        b"array" => array([0, 1, 2].map(integer)),
        b"set" => set([0, 1, 2].map(integer)),
        b"map" => map([0, 1, 2].map(|key| (integer(key), Reply::Boolean(key == 1)))),
        b"attrib" if is_resp2 => bulk("Some real reply following the attribute"),
        b"attrib" => WITH_ATTRIBUTE,
        b"push" if is_resp2 => return Err(NOT_IN_RESP2),
        b"push" => WITH_PUSH,
        b"verbatim" => verbatim("This is a verbatim\nstring"),
        b"true" => Reply::Boolean(true),
        b"false" => Reply::Boolean(false),
        _ => return Err(UNKNOWN),
    })
}
