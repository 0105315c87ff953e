use std::ops::Deref;

use super::id::StreamId;

/// An entry of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Its fields with their values, in order.
    pub(crate) fn fields(&self) -> Fields<'a> {
        todo!()
    }
}

/// The fields of an entry with their values. It knows its length.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Text<'a>, Text<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// The name of a field, or a value: bytes, through `Deref`.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}
