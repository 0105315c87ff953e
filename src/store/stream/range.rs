use super::entry::Entry;

/// Entries in ascending order. A clone continues where the original is, so entries can be counted
/// first and then be read.
#[derive(Clone, Debug)]
pub(crate) struct Range<'a> {
    entry: Option<Entry<'a>>,
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        todo!()
    }
}

/// Entries in descending order. It can be cloned, too.
#[derive(Clone, Debug)]
pub(crate) struct Reversed<'a> {
    entry: Option<Entry<'a>>,
}

impl<'a> Iterator for Reversed<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        todo!()
    }
}
