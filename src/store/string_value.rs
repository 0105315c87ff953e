//! A string value.
//!
//! Layer `store`. It may use `resp`.
//!
//! It has the forms that Redis has, because OBJECT ENCODING shows them: an integer as a number, a
//! short string in one allocation, and a longer or changed string in a buffer with room to grow.

use std::borrow::Cow;
use std::collections::TryReserveError;

use super::value::ValueType;
use crate::resp::large::LargeBulk;
use crate::resp::request::parse_integer;

/// The longest string that Redis stores in one allocation with its header (`embstr`), in bytes.
const SHORT: usize = 44;
/// The longest text that may be an integer.
const LONGEST_INTEGER: usize = 20;
/// Freeing this many bytes takes about as long as freeing one small allocation.
const PAGES_AT_ONCE: usize = 64 * 1024;

/// A string.
#[derive(Clone, Debug)]
pub(crate) enum StringValue {
    /// `int`: the decimal digits of this number.
    Integer(i64),
    /// `embstr`
    Short(Box<[u8]>),
    /// `raw`
    Long(Vec<u8>),
    /// `raw`, in the buffer in which it was received
    Large(LargeBulk),
}

impl AsRef<StringValue> for StringValue {
    fn as_ref(&self) -> &StringValue {
        self
    }
}

impl AsMut<StringValue> for StringValue {
    fn as_mut(&mut self) -> &mut StringValue {
        self
    }
}

impl StringValue {
    /// A string as SET stores it: an integer if it looks like one (Redis: `tryObjectEncoding`).
    pub(crate) fn new(bytes: &[u8]) -> StringValue {
        let integer = (bytes.len() <= LONGEST_INTEGER).then(|| parse_integer(bytes));
        match integer.flatten() {
            Some(number) => StringValue::Integer(number),
            None => StringValue::verbatim(bytes),
        }
    }

    /// A string that stays one, even if it looks like an integer.
    pub(crate) fn verbatim(bytes: &[u8]) -> StringValue {
        if bytes.len() <= SHORT {
            StringValue::Short(bytes.into())
        } else {
            StringValue::Long(bytes.to_vec())
        }
    }

    /// Runs `look` on the bytes.
    pub(crate) fn with_bytes<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            StringValue::Integer(number) => look(itoa::Buffer::new().format(*number).as_bytes()),
            StringValue::Short(bytes) => look(bytes),
            StringValue::Long(bytes) => look(bytes),
            StringValue::Large(bulk) => look(bulk.bytes()),
        }
    }

    /// The bytes, for a caller that needs several strings at once.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            StringValue::Integer(_) => Cow::Owned(self.with_bytes(<[u8]>::to_vec)),
            StringValue::Short(bytes) => Cow::Borrowed(bytes),
            StringValue::Long(bytes) => Cow::Borrowed(bytes),
            StringValue::Large(bulk) => Cow::Borrowed(bulk.bytes()),
        }
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.with_bytes(<[u8]>::len)
    }

    /// The bytes, to be changed in place, with capacity for `length` in all. The string is `raw`
    /// from now on.
    ///
    /// # Errors
    /// There is not enough memory. Nothing has changed then.
    pub(crate) fn bytes_mut(&mut self, length: usize) -> Result<&mut Vec<u8>, TryReserveError> {
        match self {
            StringValue::Long(_) => {}
            StringValue::Large(bulk) => *self = StringValue::Long(bulk.detach()?),
            StringValue::Integer(_) | StringValue::Short(_) => {
                *self = StringValue::Long(self.with_bytes(<[u8]>::to_vec));
            }
        }
        let StringValue::Long(bytes) = self else {
            unreachable!("it was just made long")
        };
        if length > bytes.capacity() {
            let more = length - bytes.len();
            // With room to grow, if there is enough memory.
            bytes
                .try_reserve(more)
                .or_else(|_| bytes.try_reserve_exact(more))?;
        }
        Ok(bytes)
    }

    /// Its value as an integer.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            StringValue::Integer(number) => Some(*number),
            StringValue::Short(bytes) => parse_integer(bytes),
            StringValue::Long(bytes) => parse_integer(bytes),
            // Far longer than any integer.
            StringValue::Large(_) => None,
        }
    }
}

impl ValueType for StringValue {
    fn encoding(&self) -> &'static str {
        match self {
            StringValue::Integer(_) => "int",
            StringValue::Short(_) => "embstr",
            StringValue::Long(_) | StringValue::Large(_) => "raw",
        }
    }

    fn memory(&self) -> usize {
        match self {
            StringValue::Integer(_) => 0,
            StringValue::Short(bytes) => bytes.len(),
            StringValue::Long(bytes) => bytes.capacity(),
            StringValue::Large(bulk) => bulk.memory(),
        }
    }

    /// An empty string is still a string, so its key stays.
    fn is_empty(&self) -> bool {
        false
    }

    fn free_cost(&self) -> usize {
        // A large buffer returns to the system page by page.
        1 + self.memory() / PAGES_AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_kept_as_redis_keeps_them() {
        for (bytes, encoding) in [
            (&b"12"[..], "int"),
            (b"-9223372036854775808", "int"),
            (b"9223372036854775808", "embstr"),
            (b"+1", "embstr"),
            (b"01", "embstr"),
            (b"", "embstr"),
            (&[b'x'; 44], "embstr"),
            (&[b'x'; 45], "raw"),
        ] {
            let mut text = StringValue::new(bytes);
            assert_eq!(text.encoding(), encoding);
            assert_eq!(text.with_bytes(<[u8]>::to_vec), bytes);
            assert_eq!(text.bytes(), bytes);
            assert_eq!(text.len(), bytes.len());
            assert_eq!(text.integer(), parse_integer(bytes));
            text.bytes_mut(bytes.len() + 1).unwrap().push(b'x');
            assert_eq!(text.encoding(), "raw");
            assert_eq!(text.len(), bytes.len() + 1);
        }
        assert_eq!(StringValue::verbatim(b"12").encoding(), "embstr");
    }
}
