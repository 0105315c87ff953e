//! `user` lines: users that the settings make, each given once.
//!
//! Unlike a setting, a line does not replace the one before it, no environment variable has it, and
//! CONFIG GET and CONFIG SET do not know it, as in Redis: ACL is the command for users.

use std::fmt;

use bytes::Bytes;

use super::BadSetting;
use crate::acl::rules::{has_blanks, merge_selectors, without_secret};
use crate::acl::user::User;

/// The users of the settings, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserLines(Vec<UserLine>);

/// One line: `user <name> <rule>...`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UserLine {
    name: Vec<u8>,
    rules: Vec<Vec<u8>>,
}

/// Rules may hold passwords.
impl fmt::Debug for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UserLine")
            .field(&String::from_utf8_lossy(&self.name))
            .finish()
    }
}

impl UserLines {
    /// Adds a line, given as its words or as one text with spaces.
    pub(super) fn add(&mut self, words: &[&[u8]], all_channels: bool) -> Result<(), BadSetting> {
        let words = match words {
            [text] => text.split(|byte| *byte == b' ').collect(),
            words => words.to_vec(),
        };
        let [name, rules @ ..] = words.as_slice() else {
            return Err(refuse(b"", "a user has a name"));
        };
        if name.is_empty() || has_blanks(name) {
            return Err(refuse(name, "Spaces not allowed in ACL usernames"));
        }
        if self.0.iter().any(|line| line.name == *name) {
            return Err(refuse(
                name,
                "Duplicate user found. A user can only be defined once in config files",
            ));
        }
        let rules = merge_selectors(rules).map_err(|unmatched| {
            refuse(
                rules[unmatched.0],
                "Unmatched parenthesis in selector definition",
            )
        })?;
        let name = name.to_vec();
        let line = UserLine { name, rules };
        line.user(all_channels)?;
        self.0.push(line);
        Ok(())
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

impl UserLine {
    /// The user that the line makes.
    pub(crate) fn user(&self, all_channels: bool) -> Result<User, BadSetting> {
        let mut user = User::new(Bytes::copy_from_slice(&self.name), all_channels);
        for rule in &self.rules {
            user.apply(rule, all_channels)
                .map_err(|error| refuse(rule, error))?;
        }
        Ok(user)
    }
}

fn refuse(word: &[u8], problem: impl ToString) -> BadSetting {
    BadSetting::User {
        word: without_secret(word),
        problem: problem.to_string(),
    }
}
