//! Encoded push frames, as outboxes append them.
//!
//! Layer `client`. A RESP2 frame and its RESP3 twin differ in one byte, the first: `*` or `>`. A
//! frame is therefore encoded once, as RESP2, and the outbox that copies it sets that byte.

use bytes::Bytes;

use crate::resp::Protocol;

/// Bodies longer than this many bytes are shared between outboxes instead of copied into each.
/// Below it a copy is cheaper than a second slice in the socket write.
pub(crate) const SHARED_BODY: usize = 1024;

/// Encoded push frames: what an outbox appends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a> {
    /// The frames, or all of a single one before its shared body. Each starts with RESP2's `*`.
    pub bytes: &'a [u8],
    /// Where each begins.
    pub starts: &'a [u32],
    /// The rest of a single frame, when it is shared.
    pub body: Option<&'a Bytes>,
}

impl<'a> Frames<'a> {
    /// One of them, without a shared body.
    pub(crate) fn head(&self, index: usize) -> &'a [u8] {
        let end = self.starts.get(index + 1).map(|end| *end as usize);
        &self.bytes[self.starts[index] as usize..end.unwrap_or(self.bytes.len())]
    }

    /// Their size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.body.map_or(0, Bytes::len)
    }

    /// ChannelOrder a copy of the frames into those of `protocol`.
    pub(crate) fn mark(&self, copy: &mut [u8], protocol: Protocol) {
        if protocol == Protocol::Resp3 {
            for start in self.starts {
                copy[*start as usize] = protocol.push_marker();
            }
        }
    }
}
