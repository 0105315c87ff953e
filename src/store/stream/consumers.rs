use super::super::database::Millis;
use super::id::StreamId;

/// Identifies a consumer within its group, for as long as the consumer exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerId(u32);

/// A consumer of a group. Its times are for the commands to set
/// ([`Group::consumer_mut`](super::Group::consumer_mut)).
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    name: Box<[u8]>,
    /// When it last tried to read, claim or acknowledge anything.
    pub seen_at: Millis,
    /// When it last got an entry, if it ever did.
    pub active_at: Option<Millis>,
}

impl Consumer {
    /// Its name.
    pub(crate) fn name(&self) -> &[u8] {
        todo!()
    }

    /// The number of its pending entries.
    pub(crate) fn pending_len(&self) -> usize {
        todo!()
    }

    /// The ids of its pending entries from `from` to `to`, both included, in ascending order.
    pub(crate) fn pending(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = StreamId> + Clone + '_ {
        std::iter::empty()
    }
}
