//! `user` lines: users that are defined in the settings.
//!
//! Layer `config`. It uses no other layer.
//!
//! Unlike a setting, a line does not replace the one before it. As in Redis, CONFIG GET and CONFIG
//! SET do not know users; the ACL command does. `acl` parses the words of the lines when the server
//! starts.

use std::fmt;

/// The `user` lines of the settings, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserLines(Vec<UserLine>);

/// One line: `user <name> <rule>...`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UserLine {
    /// Where it was given (`my.conf:3`, `command line`). Empty if it was given to
    /// [`Config::apply`](super::Config::apply).
    pub origin: String,
    /// The name and the rules, as they were given.
    pub words: Vec<Vec<u8>>,
}

/// Prints only the name, because rules may contain passwords.
impl fmt::Debug for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.words.first().map(Vec::as_slice).unwrap_or_default();
        f.debug_tuple("UserLine")
            .field(&String::from_utf8_lossy(name))
            .finish()
    }
}

impl UserLines {
    /// Adds a line, given as several words or as one word with spaces.
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

    /// The lines, in the order in which they were given.
    pub(crate) fn lines(&self) -> &[UserLine] {
        &self.0
    }

    /// Whether there are no lines.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
