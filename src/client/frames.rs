//! Encoded push frames, as outboxes append them.
//!
//! Layer `client`. It may use `resp`.
//!
//! A RESP2 frame and the same frame in RESP3 differ only in the first byte: `*` or `>`. A frame is
//! therefore encoded once, as RESP2, and an outbox that copies it sets that byte.

use bytes::Bytes;

use crate::resp::Protocol;

/// Bodies longer than this many bytes are shared between outboxes instead of copied into each.
/// Below it a copy is cheaper than a second slice in the socket write.
pub(crate) const SHARED_BODY: usize = 1024;

/// One or more encoded push frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a> {
    /// All frames. Of a single frame whose body is shared, the part before the body. Each frame
    /// starts with RESP2's `*`.
    pub bytes: &'a [u8],
    /// Where each frame begins in `bytes`.
    pub starts: &'a [u32],
    /// The rest of a single frame, if it is shared.
    pub body: Option<&'a Bytes>,
}

impl<'a> Frames<'a> {
    /// The frame at `index`, without a shared body.
    pub(crate) fn head(&self, index: usize) -> &'a [u8] {
        let end = self.starts.get(index + 1).map(|end| *end as usize);
        &self.bytes[self.starts[index] as usize..end.unwrap_or(self.bytes.len())]
    }

    /// Their size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.body.map_or(0, Bytes::len)
    }

    /// Marks each frame in a copy as a push frame of `protocol`.
    pub(crate) fn mark(&self, copy: &mut [u8], protocol: Protocol) {
        if protocol == Protocol::Resp3 {
            for start in self.starts {
                copy[*start as usize] = protocol.push_marker();
            }
        }
    }
}
