use super::id::StreamId;

/// What XTRIM and XADD trim a log to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trim {
    /// What stays.
    pub to: TrimTo,
    /// Only whole blocks are removed (`~`), at most this many entries. 0 means no limit. `None`
    /// removes exactly what does not stay.
    pub approximate: Option<u64>,
}

/// What stays in a log that is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimTo {
    /// At most this many entries (MAXLEN).
    Length(u64),
    /// The entries with this id and higher ones (MINID).
    MinId(StreamId),
}

/// What trimming has removed. Freeing it takes long if it is much, so the caller does
/// `keys.discard_part(trimmed, trimmed.free_cost())`.
#[derive(Debug)]
pub(crate) struct Trimmed {
    /// The number of entries.
    pub entries: u64,
}

impl Trimmed {
    /// Roughly the number of its allocations.
    pub(crate) fn free_cost(&self) -> usize {
        todo!()
    }
}
