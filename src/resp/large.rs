//! Large bulk strings: received in one allocation that their users share afterwards.
//!
//! Layer `resp`. An argument of [`LARGE`] bytes or more that has not arrived as a whole is not
//! gathered in the connection's buffer. It is received in the allocation that will hold it, and
//! whoever keeps it (a key's value, a message, a transaction) keeps that allocation, uncopied.
//!
//! Invariants:
//! - The bytes are followed by a line break, so that all of it can be sent as the body of a frame.
//! - No memory is written to before the bytes for it have arrived. Address space is reserved ahead,
//!   up to [`AHEAD`] times what has arrived; that costs no memory until it is written to.

use std::collections::TryReserveError;
use std::sync::Arc;

use bytes::Bytes;

/// An argument of so many bytes is large. More than a client may send before AUTH.
pub(crate) const LARGE: usize = 64 * 1024;
/// So many times what has arrived may be reserved on the word of a header. The last step is to the
/// whole length, when a small part of it has arrived: so little is copied on the way.
const AHEAD: usize = 64;
/// So much is left when memory for something large is asked for. The allocator may want an aligned
/// segment of 32 MB for less than that, for which the system must have twice as much.
const SPARE: usize = 64 * 1024 * 1024;
/// What follows the bytes of a bulk string.
const LINE_BREAK: &[u8] = b"\r\n";

/// A large bulk string. A clone shares the bytes.
#[derive(Clone, Debug)]
pub(crate) struct LargeBulk(Arc<Vec<u8>>);

impl LargeBulk {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0[..self.0.len() - LINE_BREAK.len()]
    }

    /// The bytes and the line break behind them, shared.
    pub(crate) fn with_line_break(&self) -> Bytes {
        Bytes::from_owner(Owner(Arc::clone(&self.0)))
    }

    /// The bytes, shared.
    pub(crate) fn shared(&self) -> Bytes {
        self.with_line_break().slice(..self.bytes().len())
    }

    /// The bytes, to be changed. They are copied if somebody else holds them, and otherwise this has
    /// none any more.
    ///
    /// # Errors
    /// There is no memory for the copy.
    pub(crate) fn detach(&mut self) -> Result<Vec<u8>, TryReserveError> {
        if let Some(own) = Arc::get_mut(&mut self.0) {
            let mut own = std::mem::take(own);
            own.truncate(own.len() - LINE_BREAK.len());
            return Ok(own);
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(self.bytes().len())?;
        copy.extend_from_slice(self.bytes());
        Ok(copy)
    }

    /// Bytes of memory behind it.
    pub(crate) fn memory(&self) -> usize {
        // With the two counts of the Arc.
        self.0.capacity() + size_of::<Vec<u8>>() + 2 * size_of::<usize>()
    }
}

/// Whether the system has memory for a copy of so many bytes, where that is much: what cannot say that
/// there is none should not be asked to copy them. Some is left for what is too small to ask for.
pub(crate) fn has_memory_for(bytes: usize) -> bool {
    let mut probe = Vec::<u8>::new();
    bytes < LARGE || {
        let has = probe.try_reserve_exact(bytes.saturating_add(SPARE)).is_ok();
        // Or the compiler would see that nobody needs it.
        std::hint::black_box(&mut probe);
        has
    }
}

struct Owner(Arc<Vec<u8>>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A large bulk string that has not arrived as a whole.
#[derive(Debug)]
pub(crate) struct Receiving {
    bytes: Vec<u8>,
    /// The length it will have, with the line break.
    length: usize,
}

impl Receiving {
    /// One that will have `length` bytes, none of which has arrived.
    pub(crate) fn new(length: usize) -> Receiving {
        Receiving {
            bytes: Vec::new(),
            length: length + LINE_BREAK.len(),
        }
    }

    /// Takes the first of these bytes, as many as it lacks, and says how many those were.
    ///
    /// # Errors
    /// There is no memory for them.
    pub(crate) fn take_from(&mut self, arrived: &[u8]) -> Result<usize, TryReserveError> {
        let taken = arrived.len().min(self.length - self.bytes.len());
        let needed = self.bytes.len() + taken;
        if needed > self.bytes.capacity() {
            let capacity = capacity_for(needed, self.length);
            self.bytes.try_reserve_exact(capacity - self.bytes.len())?;
        }
        self.bytes.extend_from_slice(&arrived[..taken]);
        Ok(taken)
    }

    /// Whether all of it has arrived.
    pub(crate) fn is_complete(&self) -> bool {
        self.bytes.len() == self.length
    }

    /// What has arrived, in bytes.
    pub(crate) fn arrived(&self) -> usize {
        self.bytes.len()
    }

    /// The string. The two bytes behind it are a line break from now on: what the client has sent
    /// there was never looked at.
    pub(crate) fn finish(mut self) -> LargeBulk {
        self.bytes.truncate(self.length - LINE_BREAK.len());
        self.bytes.extend_from_slice(LINE_BREAK);
        LargeBulk(Arc::new(self.bytes))
    }
}

/// What to reserve when so many bytes of `length` have arrived.
fn capacity_for(arrived: usize, length: usize) -> usize {
    let trusted = arrived.saturating_mul(AHEAD);
    if trusted >= length {
        length
    } else {
        // Just what the last step needs to have arrived.
        trusted.min(length.div_ceil(AHEAD)).max(arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address space is bounded by what has arrived, and hardly anything is copied on the way.
    #[test]
    fn it_grows_with_what_has_arrived() {
        for length in [LARGE, 1 << 20, 100 << 20, 512 << 20, 4 << 30] {
            let (mut capacity, mut copied) = (0, 0);
            let mut arrived = 0;
            while arrived < length {
                arrived = length.min(arrived + 64 * 1024);
                if arrived > capacity {
                    copied += capacity;
                    capacity = capacity_for(arrived, length);
                }
                assert!(capacity >= arrived && capacity <= length);
                assert!(capacity <= arrived * AHEAD, "{capacity} for {arrived}");
            }
            assert!(copied <= length / 16, "{copied} of {length} copied");
        }
    }

    #[test]
    fn it_takes_what_is_its_own_and_ends_with_a_line_break() {
        let mut receiving = Receiving::new(5);
        assert_eq!(receiving.take_from(b"he").unwrap(), 2);
        assert!(!receiving.is_complete());
        assert_eq!(receiving.take_from(b"llo??next").unwrap(), 5);
        assert!(receiving.is_complete());
        let mut bulk = receiving.finish();
        assert_eq!(bulk.bytes(), b"hello");
        let frame = bulk.with_line_break();
        assert_eq!(&frame[..], b"hello\r\n");
        assert_eq!(frame.as_ptr(), bulk.bytes().as_ptr());
        // Copied while it is shared, and then no more.
        let copy = bulk.detach().unwrap();
        assert_ne!(copy.as_ptr(), frame.as_ptr());
        drop(frame);
        let place = bulk.bytes().as_ptr();
        let vec = bulk.detach().unwrap();
        assert_eq!((vec.as_ptr(), &vec[..]), (place, &b"hello"[..]));
    }
}
