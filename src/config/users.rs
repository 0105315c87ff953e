//! `user` lines: users that the settings make.
//!
//! Layer `config`. Unlike a setting, a line does not replace the one before it, and CONFIG GET and
//! CONFIG SET do not know it, as in Redis: ACL is the command for users. What the words of a line
//! mean is `acl`'s matter, which reads them when the server starts.

use std::fmt;

/// The `user` lines of the settings, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserLines(Vec<UserLine>);

/// One line: `user <name> <rule>...`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UserLine {
    /// Where it was given (`my.conf:3`, `command line`); empty: by [`Config::apply`](super::Config::apply).
    pub origin: String,
    /// The name and the rules, as they came.
    pub words: Vec<Vec<u8>>,
}

/// Rules may hold passwords.
impl fmt::Debug for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.words.first().map(Vec::as_slice).unwrap_or_default();
        f.debug_tuple("UserLine")
            .field(&String::from_utf8_lossy(name))
            .finish()
    }
}

impl UserLines {
    /// Adds a line, given as its words or as one text with spaces.
    pub(super) fn add(&mut self, origin: &str, words: &[&[u8]]) {
        let words: Vec<&[u8]> = match words {
            [text] => text.split(|byte| *byte == b' ').collect(),
            words => words.to_vec(),
        };
        self.0.push(UserLine {
            origin: origin.to_owned(),
            words: words.into_iter().map(<[u8]>::to_vec).collect(),
        });
    }

    /// The lines.
    pub(crate) fn lines(&self) -> &[UserLine] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
